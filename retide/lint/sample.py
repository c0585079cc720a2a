"""The sample of a model, `sample.csv` beside its contract: its rows as the contract reads them."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.domain.contract import NUMERIC, Contract

DELIMITERS: Final = ",;\t|"

type Cell = float | str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """Cells by column; None where a value is missing. All columns are of one length."""

    file: Path
    rows: int
    columns: dict[str, tuple[Cell, ...]]

    def shares(self, name: str) -> dict[Cell, float]:
        """How large a share of the rows holds each value, missing ones left out."""
        known = [cell for cell in self.columns.get(name, ()) if cell is not None]
        return {cell: count / len(known) for cell, count in Counter(known).items()}

    def pairs(self, feature: str, target: str) -> list[tuple[Cell, Cell]]:
        """(feature, target) of the rows that hold both."""
        both = zip(self.columns.get(feature, ()), self.columns.get(target, ()), strict=False)
        return [(one, other) for one, other in both if one is not None and other is not None]


def read(file: Path, contract: Contract) -> Sample:
    """Read what the contract accepts; raises ValueError, csv.Error or OSError for what is no such CSV file."""
    text = file.read_text(encoding="utf-8-sig")
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    names = [name.strip() for name in lines[0]] if lines else []
    rows = [line for line in lines[1:] if line]
    return Sample(file, len(rows), {name: _cells(rows, i, name, contract) for i, name in enumerate(names)})


def _cells(rows: list[list[str]], index: int, name: str, contract: Contract) -> tuple[Cell, ...]:
    numbers = any(column.name == name and column.type in NUMERIC for column in contract.columns)
    texts = (row[index].strip() if index < len(row) else "" for row in rows)
    return tuple(_cell(text, contract.missing, numbers) for text in texts)


def _cell(text: str, missing: tuple[str, ...], is_number: bool) -> Cell:
    if text in missing or text == "":
        return None
    if not is_number:
        return text
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
