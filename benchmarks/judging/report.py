"""What the race of validators came to: tables for people, a document for machines, and how cost grows with rows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.judging.contestant import Found
from benchmarks.judging.data import Format, planted
from benchmarks.judging.race import Figures
from benchmarks.judging.rules import FAULTS, TYPE

WIDTH: Final = 120


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """One file that all contestants are given."""

    columns: int
    form: Format
    rows: int

    def __str__(self) -> str:
        return f"{self.rows:,} rows of {self.columns} columns, {self.form}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one contestant in one case; `figures` is None where it failed, and `words` say why.

    `found` is what it found of the faults that were planted, by kind, with the first row that it names.
    """

    contestant: str
    case: Case
    figures: Figures | None
    words: str = ""
    found: Found = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def limits(results: Iterable[Result]) -> dict[Case, Figures]:
    """The faster limit scan, by case."""
    fastest: dict[Case, Figures] = {}
    for result in results:
        seen = result.figures
        if seen and result.contestant.startswith("limit"):
            known = fastest.get(result.case)
            fastest[result.case] = seen if known is None or seen.work < known.work else known
    return fastest


def show(results: Sequence[Result], *, growth: bool, faults: bool) -> None:
    console = Console(width=WIDTH)
    limit = limits(results)
    for case in dict.fromkeys(result.case for result in results):
        here = [result for result in results if result.case == case]
        console.print(_times(case, here, limit.get(case)))
        for result in here:
            if result.words:
                console.print(f"{result.contestant}: failed: {result.words}", markup=False)
        if faults:
            console.print(_faults(case, here))
    if growth:
        console.print(_growth(results))


def _times(case: Case, results: list[Result], limit: Figures | None) -> Table:
    table = Table("contestant", title=str(case), title_justify="left")
    for head in ("work, s", "to limit", "CPU, s", "to limit", "process, s", "import, s", "peak RSS, MiB"):
        table.add_column(head, justify="right")
    for result in results:
        if result.figures:
            table.add_row(escape(result.contestant), *_cells(result.figures, limit))
    return table


def _cells(seen: Figures, limit: Figures | None) -> tuple[str, ...]:
    times = [f"{seen.work / limit.work:.1f}", f"{seen.cpu / limit.cpu:.1f}"] if limit else ["-", "-"]
    work, cpu = f"{seen.work:.2f}", f"{seen.cpu:.2f}"
    return (work, times[0], cpu, times[1], f"{seen.process:.2f}", f"{seen.imports:.2f}", f"{seen.rss_mib:.0f}")


def _faults(case: Case, results: list[Result]) -> Table:
    """What each found, what it named by row, what it missed, and what it found in the clean file.

    No row can be named where amounts are text in a Parquet file: all are, by its schema.
    """
    table = Table(
        "contestant", "found", "by row", "missed", "false alarms", title="planted faults", title_justify="left"
    )
    rows = {kind: places for kind, places in planted(case.rows).items() if case.form == "csv" or kind != TYPE}
    for result in results:
        if result.figures and not result.contestant.startswith("limit"):
            named = sum(result.found.get(kind) in places for kind, places in rows.items())
            missed = [kind for kind in FAULTS if kind not in result.found]
            cells = (f"{len(FAULTS) - len(missed)} of {len(FAULTS)}", f"{named} of {len(rows)}", ", ".join(missed))
            table.add_row(escape(result.contestant), *cells, ", ".join(result.figures.found) or "none")
    return table


def _growth(results: Sequence[Result]) -> Table:
    table = Table("contestant", "format", "seconds grow as", "memory grows as", title="growth", title_justify="left")
    for name, form in dict.fromkeys((result.contestant, result.case.form) for result in results):
        seen = [
            (result.case.rows, result.figures)
            for result in results
            if (result.contestant, result.case.form) == (name, form) and result.figures
        ]
        if len(seen) > 1:
            work = exponent([(rows, figures.work) for rows, figures in seen])
            memory = exponent([(rows, figures.rss_mib) for rows, figures in seen])
            table.add_row(name, form, f"rows^{work:.2f}", f"rows^{memory:.2f}")
    return table


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The k of the power law y = c * x^k that fits the points best, by least squares of the logarithms."""
    slope, _ = statistics.linear_regression([math.log(x) for x, _ in points], [math.log(y) for _, y in points])
    return slope
