"""Check the models of the checkout before anything is deployed."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from retide.cli.failures import FAILED, UsageProblem
from retide.cli.output import listed
from retide.cli.places import Places


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def lint(
    models: Annotated[list[str] | None, typer.Argument(help="Only these models; all of them without it.")] = None,
    shape: Annotated[Format, typer.Option("--format", help="text, json, or github (annotations).")] = Format.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail as well.")] = False,
    folder: Annotated[Path | None, typer.Option("--models", help="The folder of models; else training/models.")] = None,
) -> None:
    """Look for leaks, randomness, unknown columns and more in contracts and model code, without running any of it."""
    from retide.data import judge  # only where rows are really read
    from retide.lint import engine, report

    places = Places.here()
    found = engine.lint(_chosen(engine.model_folders((folder or places.models).resolve()), models), judge)
    if shape is Format.JSON:
        lines = [report.as_json(found, places.root)]
    else:
        lines = list((report.text if shape is Format.TEXT else report.github)(found, places.root))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    if not found.passes(strict=strict):
        raise typer.Exit(FAILED)


def _chosen(folders: list[Path], models: list[str] | None) -> list[Path]:
    known = {folder.name: folder for folder in folders}
    if unknown := sorted(set(models or ()) - known.keys()):
        raise UsageProblem(f"there is no model {unknown[0]!r}, only {listed(sorted(known))}")
    return [known[name] for name in models or known]
