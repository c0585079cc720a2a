"""The demo's change of the model's code, made in a working copy only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from retide.cli.failures import CliError

CHANGED: Final = "training/models/tumour/model.py"
CHANGE: Final = '''

_build_before = build


def build(contract, params):
    """The demo's change: the same model, more strongly regularised."""
    return _build_before(contract, {**params, "C": 0.1})
'''


def change_model(project: Path) -> None:
    """Regularise the tumour model more strongly; raises CliError where the project has no such model."""
    file = project / CHANGED
    if not file.is_file():
        raise CliError(
            f"the demo changes {CHANGED}, and there is no such file: restore it, or try your own model by hand"
        )
    file.write_text(file.read_text(encoding="utf-8") + CHANGE, encoding="utf-8")
