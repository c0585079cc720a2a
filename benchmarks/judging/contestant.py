"""What every contestant is: a process that imports its library, judges one file once, and says how long that took.

    python -m benchmarks.judging.contestants.NAME TASK.json

It needs the standard library only, for it runs in every contestant's own environment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.judging.rules import TABLES, Rules

STARTED = time.perf_counter()  # contestants import this module before their library

type Found = Mapping[str, int | None]
"""The kinds of faults that were found, each with the first row that is named (from 1), or None where none is."""


@dataclass(frozen=True, slots=True)
class Task:
    """One file to be judged; `prepared` is what the contestant made of the `reference` file, beforehand and untimed."""

    path: Path
    columns: int
    reference: Path
    prepared: Path
    scratch: Path

    @property
    def rules(self) -> Rules:
        return TABLES[self.columns]

    @property
    def is_csv(self) -> bool:
        return self.path.suffix == ".csv"

    def to_json(self) -> str:
        return json.dumps({name: str(value) for name, value in asdict(self).items()})

    @classmethod
    def from_json(cls, text: str) -> Task:
        raw = json.loads(text)
        paths = {name: Path(raw[name]) for name in ("path", "reference", "prepared", "scratch")}
        return cls(columns=int(raw["columns"]), **paths)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a contestant prints: seconds of its imports and of its work, the rows that it saw and what it found."""

    imports: float
    work: float
    rows: int
    found: Found


def run(judge: Callable[[Task], tuple[int, Found]], prepare: Callable[[Task], None] | None = None) -> None:
    """Judge the task that is named on the command line; with a second word, `prepare`, make ready for it instead."""
    imported = time.perf_counter()
    task = Task.from_json(Path(sys.argv[1]).read_text())
    if sys.argv[2:] == ["prepare"]:
        if prepare:
            prepare(task)
        return
    began = time.perf_counter()
    rows, found = judge(task)
    answer = Answer(imported - STARTED, time.perf_counter() - began, rows, found)
    print(json.dumps(asdict(answer)))
