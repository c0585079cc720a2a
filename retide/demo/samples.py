"""Batches for the story on a deployed stage, made of a model's own sample: new to the stage every time."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.cli.failures import CliError
from retide.contracts import load
from retide.demo.data import Row, write
from retide.domain.contract import Approval, ColumnType, Contract

FAVOURITE: Final = "tumour"
SAMPLE: Final = "sample.csv"
DAMAGED_ROWS: Final = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of training/models/<model>/sample.csv, and the contract that they keep."""

    contract: Contract
    rows: tuple[Row, ...]

    @property
    def model(self) -> str:
        return self.contract.model

    def batch(self, target: Path, salt: int) -> Path:
        """All rows in another order, with ids of their own where ids are words: the same rows are other bytes."""
        rows = [self._renamed(row, salt) for row in self.rows]
        random.Random(salt).shuffle(rows)
        return write(target, rows)

    def damaged(self, target: Path, salt: int) -> Path:
        """Some rows after a bad export: the column that is to be predicted is missing."""
        kept = [self._renamed(row, salt) for row in self.rows[:DAMAGED_ROWS]]
        return write(target, [{name: row[name] for name in row if name != self.contract.target} for row in kept])

    def _renamed(self, row: Row, salt: int) -> Row:
        types = {column.name: column.type for column in self.contract.columns}
        words = [name for name in self.contract.id if types[name] is ColumnType.STRING]
        return {**row, **{name: f"{row[name]}-{salt}" for name in words}}


def choose(models_folder: Path, deployed: Sequence[str]) -> Sample:
    """The deployed model whose story is told: one with a sample, approved without a person. Raises CliError."""
    for model in sorted(deployed, key=_favourite_first):
        folder = models_folder / model
        if (folder / SAMPLE).is_file():
            contract = load(folder)
            if contract.policy.approval is Approval.AUTOMATIC:
                return Sample(contract, tuple(_rows(folder / SAMPLE)))
    known = ", ".join(deployed) or "none"
    raise CliError(
        f"no deployed model ({known}) has both a {SAMPLE} in {models_folder} and automatic approval: "
        "add a sample to one, for its story is told with it"
    )


def _favourite_first(model: str) -> tuple[bool, str]:
    return model != FAVOURITE, model


def _rows(file: Path) -> list[Row]:
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))
