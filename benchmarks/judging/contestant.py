"""What every contestant is: a process that imports its library, judges one file once, and says how long that took.

    python -m benchmarks.judging.contestant NAME TASK.json [prepare]

NAME is a module of benchmarks/judging/contestants with `judge` and, where it needs one, `prepare`. This module needs
the standard library only, in the Python of every contestant (3.11 for some).
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.judging.rules import TABLES, Rules

# The kinds of faults that were found, each with the first row that is named (from 1), or None where none is.
Found = Mapping[str, int | None]


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
    """What a contestant prints: seconds of its imports and of its work, the rows that it saw and what it found.

    `cpu` are the seconds of all its threads while it worked: on a machine that others share they waver least.
    """

    imports: float
    work: float
    cpu: float
    rows: int
    found: Found


def main() -> None:
    """Judge the task; with `prepare`, make ready for it instead, which is not timed."""
    name, task = sys.argv[1], Task.from_json(Path(sys.argv[2]).read_text())
    began = time.perf_counter()
    module = importlib.import_module(f"benchmarks.judging.contestants.{name}")
    imported = time.perf_counter()
    if sys.argv[3:] == ["prepare"]:
        getattr(module, "prepare", _nothing)(task)
        return
    spent = time.process_time()
    rows, found = module.judge(task)
    answer = Answer(imported - began, time.perf_counter() - imported, time.process_time() - spent, rows, found)
    print(json.dumps(asdict(answer)))


def _nothing(_task: Task) -> None:
    """Most contestants need nothing of the reference."""


if __name__ == "__main__":
    main()
