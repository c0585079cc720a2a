"""A batch of files to predict: its places, the rows that a model is asked, and what is told of those it cannot take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from retide.domain.contract import Column, ColumnType, Contract

BATCHES: Final = "batches/"
FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}
OUTPUT: Final = "SageMakerOutput"
SUFFIXES: Final = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
LARGEST_ROW: Final = 1 << 20  # bytes, far below what one request to the model may hold
LARGEST_FILE: Final = 1 << 30  # bytes, of what a function reads within its time


class Outcome(StrEnum):
    """`more`: there are files that this call did not come to."""

    MORE = "more"
    READY = "ready"
    REFUSED = "refused"
    PREDICTED = "predicted"
    PARTLY = "predicted in part"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything of one batch lies in the data bucket."""

    model: str
    batch: str

    @property
    def root(self) -> str:
        return f"{BATCHES}{self.model}/{self.batch}/"

    @property
    def files(self) -> str:
        """The names of all files, in order, as JSON."""
        return f"{self.root}files.json"

    @property
    def report(self) -> str:
        return f"{self.root}report.json"

    @property
    def records(self) -> str:
        return f"{self.root}records/"

    @property
    def answers(self) -> str:
        return f"{self.root}answers"

    def input(self, name: str) -> str:
        return f"{self.root}input/{name}"

    def prepared(self, number: int) -> str:
        """What became of file number so and so before the model was asked."""
        return f"{self.root}prepared/{number:06d}.json"

    def part(self, number: int, part: int) -> str:
        return f"{self.records}{number:06d}-{part:04d}.jsonl"

    def answer(self, number: int, part: int) -> str:
        return f"{self.answers}/{number:06d}-{part:04d}.jsonl.out"

    def predictions(self, name: str, part: int) -> str:
        return f"{self.root}predictions/{name}.{part:04d}.jsonl"

    def bad_rows(self, name: str, part: int) -> str:
        """`part` -1: the rows that were never sent to the model."""
        return f"{self.root}bad_rows/{name}.{part:04d}.jsonl" if part >= 0 else f"{self.root}bad_rows/{name}.jsonl"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a row has no prediction: which row of the file (1: the first with data), its key, which column and value."""

    row: int
    key: Mapping[str, Any]
    field: str | None
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """One file as it goes to the model: its rows, in so many parts; `problem` where it cannot be read at all."""

    name: str
    rows: int = 0
    bad: int = 0
    parts: int = 0
    problem: str = ""
    ignored: tuple[str, ...] = ()


class Rows:
    """Turns the rows of a batch's files into what the model is asked, by its contract."""

    def __init__(self, contract: Contract) -> None:
        self._features = {column.name: column for column in contract.features}
        self._known = {column.name for column in contract.columns}
        self._missing = frozenset(contract.missing)
        self._id = contract.id
        self._format = contract.format

    @property
    def features(self) -> frozenset[str]:
        return frozenset(self._features)

    def delimiter(self, line: str) -> str:
        """The sign between the fields, by which the first line names the most features."""
        signs = self._format.delimiters
        return max(signs, key=lambda sign: len(self.features & {name.strip(' "') for name in line.split(sign)}))

    def ignored(self, names: Sequence[str]) -> tuple[str, ...]:
        """Columns of a file that the contract does not know."""
        return tuple(sorted(set(names) - self._known))

    def key(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in self._id if name in row}

    def line(self, number: int, row: Mapping[str, Any], *, texts: bool) -> bytes:
        """One line for the model: {"row", "key", "record"}; `texts` where the cells are a CSV's."""
        record = {
            name: self._cell(column, row[name]) if texts else row[name]
            for name, column in self._features.items()
            if name in row
        }
        asked = {"row": number, "key": self.key(row), "record": record}
        return json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _cell(self, column: Column, text: str) -> Any:
        """As JSON would have carried it; a text that does not fit its type is left for the model's server to refuse."""
        if text in self._missing:
            return None
        if column.type is ColumnType.BOOLEAN:
            return FLAGS.get(text.strip().lower(), text)
        if column.type in (ColumnType.INTEGER, ColumnType.FLOAT) and text.isascii() and "_" not in text:
            return _number(text, self._format.decimal.value)
        return text


def _number(text: str, decimal: str) -> float | str:
    try:
        value = float(text if decimal == "." else text.replace(".", "?").replace(decimal, "."))
    except ValueError:
        return text
    return value if abs(value) < float("inf") else text


def is_readable(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def job_name(stage: str, model: str, batch: str) -> str:
    """At most 63 letters, digits and dashes."""
    return f"retide-{stage}-{model}"[: 63 - len(batch) - 1] + f"-{batch}"
