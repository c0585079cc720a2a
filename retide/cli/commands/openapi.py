"""Write down what a model's endpoint takes and answers, for clients of any language."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from retide.cli.failures import UsageProblem
from retide.cli.output import listed
from retide.cli.places import Places
from retide.contracts import CONTRACT_FILE, load
from retide.domain.openapi import document


def openapi(
    model: Annotated[str, typer.Argument(help="The model.")],
    folder: Annotated[Path | None, typer.Option("--models", help="The folder of models; else training/models.")] = None,
) -> None:
    """Print the OpenAPI 3.1 document of a model's endpoint, made from its contract; needs no cloud."""
    models = folder or Places.here().models
    if not (models / model / CONTRACT_FILE).is_file():
        known = sorted(file.parent.name for file in models.glob(f"*/{CONTRACT_FILE}"))
        raise UsageProblem(f"there is no model {model!r}, only {listed(known)}")
    sys.stdout.write(json.dumps(document(load(models / model)), indent=2, ensure_ascii=False) + "\n")
