"""A file of one's own becomes a served model by commands alone: init, up, push, predict; nothing drafted is edited.

`RETIDE_SHARED_DATA` names the folder with diamonds.csv, adult.csv and elec.csv; without it only the bundled set is run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from sklearn.datasets import load_wine

from retide.demo.workcopy import copy_project
from tests.loop.command_line import ROOT, CommandLine

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

FOLDER: Final = Path(os.environ.get("RETIDE_SHARED_DATA") or "shared-data")
ADULT: Final = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
)
OPTIONS: Final = {
    "wine": ("--target", "target"),
    "diamonds": ("--target", "price"),
    "adult": ("--target", "income", "--columns", ADULT),
    "elec": ("--target", "class"),
}


@pytest.fixture
def retide(tmp_path: Path) -> Iterator[CommandLine]:
    """In a copy of the project, so that what is drafted stays there."""
    copy_project(ROOT, tmp_path / "project")
    command = CommandLine(tmp_path / "home", {"COLUMNS": "120"}, tmp_path / "project")
    yield command
    command("down")
    assert command.left_behind() == []


def files(folder: Path) -> dict[str, Path]:
    """The sets that are there."""
    load_wine(as_frame=True).frame.to_csv(folder / "wine.csv", index=False)
    found = {name: (folder if name == "wine" else FOLDER) / f"{name}.csv" for name in OPTIONS}
    return {name: file for name, file in found.items() if file.exists()}


def test_a_file_of_ones_own_becomes_a_served_model_by_commands_alone(retide: CommandLine, tmp_path: Path) -> None:
    sets = files(tmp_path)
    for name, file in sets.items():
        assert retide("init", str(file), *OPTIONS[name]).status == 0
    assert retide("up").status == 0
    for name, file in sets.items():
        pushed = retide("push", str(file), "--model", name, "--watch")
        assert "promoted: 20 golden records" in " ".join(pushed.out.split()), pushed
        asked = retide("predict", "--model", name, "--file", str(first_rows(retide.root, name, tmp_path)))
        assert len([json.loads(line) for line in asked.out.splitlines()]) == 3, asked


def first_rows(root: Path, name: str, folder: Path) -> Path:
    lines = (root / "training/models" / name / "sample.csv").read_text().splitlines()[:4]
    file = folder / f"{name}-rows.csv"
    file.write_text("\n".join(lines) + "\n")
    return file
