"""Measure validation: the same rules on the same files, by ours, by hand and by the libraries, against the limit.

    python -m benchmarks.validation [--only ours,limit] [--rows 1000000,5000000] [--formats csv,parquet]
                                    [--columns 10] [--repeats 3] [--no-faults] [--growth] [--cache FOLDER] [--json FILE]

The limit is the fastest scan that decodes every column and takes its count, least, greatest and sum. Each contestant
runs in a cold process, in turns with the others; medians are reported. Then each judges files with planted faults. With
`--growth`, ours alone judges 10,000 to 10,000,000 rows. Data and the contestants' environments lie in the cache.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.judging.contestant import Task
from benchmarks.judging.data import FORMATS, Table, reference
from benchmarks.judging.environments import NotInstallable, home
from benchmarks.judging.field import chosen
from benchmarks.judging.race import Entry, Failed, Figures, Outcome, median, once, prepare, race
from benchmarks.judging.report import WIDTH, Case, Result, show

ROOT: Final = Path(__file__).parents[1]
GROWTH: Final = "10000,100000,1000000,10000000"
ERRORS: Final = Console(stderr=True, highlight=False, width=WIDTH)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the race is run: `cache` keeps data and environments, `scratch` is gone afterwards."""

    cache: Path
    scratch: Path

    def lay(self, case: Case) -> None:
        """In a process of its own: what it takes of memory must not count as that of a contestant."""
        words = ("--rows", str(case.rows), "--columns", str(case.columns), "--formats", case.form)
        command = (sys.executable, "-m", "benchmarks.judging.data", str(self.cache / "data"), *words)
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def task(self, case: Case, entry: Entry) -> Task:
        data = self.cache / "data"
        prepared = self.scratch / f"{entry.contestant.module}-{case.columns}.prepared"
        path = data / Table(case.rows, case.columns, "clean", case.form).name
        return Task(path, case.columns, data / reference(case.columns).name, prepared, self.scratch)


def main() -> None:
    options = _options()
    try:
        entries = list(_entries(options))
        cases = _cases(options)
    except ValueError as wrong:
        raise SystemExit(f"validation: {wrong}") from None
    with tempfile.TemporaryDirectory(prefix="retide-validation-") as scratch:
        ground = Ground(options.cache, Path(scratch))
        results = [result for case in cases for result in _case(case, entries, ground, options)]
    show(results, growth=options.growth, faults=options.faults)
    if options.json:
        versions = {entry.contestant.name: entry.home.versions for entry in entries}
        document = {"versions": versions, "results": [result.to_dict() for result in results]}
        options.json.write_text(json.dumps(document, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="whom to measure, by the beginnings of their names")
    parser.add_argument("--rows", help="rows of the files (default: 1000000,5000000)")
    parser.add_argument("--formats", default="csv,parquet")
    parser.add_argument("--columns", default="10", help="10 or 200")
    parser.add_argument("--repeats", type=int, default=3, help="how often to measure; medians are reported")
    parser.add_argument("--no-faults", dest="faults", action="store_false", help="measure only")
    parser.add_argument("--growth", action="store_true", help="ours, from 10,000 to 10,000,000 rows")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "retide-validation")
    parser.add_argument("--uv", default=shutil.which("uv") or "uv", help="makes the environments")
    parser.add_argument("--json", type=Path, help="where to write every figure")
    return parser.parse_args()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _cases(options: argparse.Namespace) -> list[Case]:
    """Raises ValueError for numbers and formats that are none."""
    rows = options.rows or (GROWTH if options.growth else "1000000,5000000")
    asked = _words(options.formats)
    if wrong := set(asked) - set(FORMATS):
        raise ValueError(f"--formats: {', '.join(sorted(wrong))} is none of {', '.join(FORMATS)}")
    return [
        Case(int(columns), form, int(n.replace("_", "")))
        for columns in _words(options.columns)
        for form in FORMATS
        for n in _words(rows)
        if form in asked
    ]


def _entries(options: argparse.Namespace) -> Iterator[Entry]:
    """Those that can be installed; of the others it is said why not."""
    only = options.only or ("ours" if options.growth else "")
    for contestant in chosen(_words(only)):
        ERRORS.print(f"[dim]{contestant.name}: environment[/]")
        try:
            yield Entry(contestant, home(contestant, options.cache, options.uv))
        except NotInstallable as reason:
            ERRORS.print(f"{contestant.name}: not installable: {reason}", markup=False)


def _case(case: Case, entries: Sequence[Entry], ground: Ground, options: argparse.Namespace) -> Iterator[Result]:
    ERRORS.print(f"[dim]{case}[/]")
    ground.lay(case)
    ready, failed = _ready(case, entries, ground)
    tasks = {entry.contestant.name: ground.task(case, entry) for entry in ready}
    outcomes: dict[str, list[Outcome]] = {name: [] for name in tasks}
    for name, outcome in race(ready, tasks, options.repeats):
        outcomes[name].append(outcome)
        ERRORS.print(f"  {name}: {_short(outcome)}", markup=False, style="dim")
    for entry in ready:
        result = _result(case, entry.contestant.name, outcomes[entry.contestant.name])
        yield (
            _faults(result, entry, ground)
            if options.faults and result.figures and not entry.contestant.limit
            else result
        )
    yield from failed


def _short(outcome: Outcome) -> str:
    if isinstance(outcome, Failed):
        return outcome.words
    return f"{outcome.work:.2f} s of work, {outcome.cpu:.2f} s of CPU, {outcome.rss_mib:.0f} MiB"


def _ready(case: Case, entries: Sequence[Entry], ground: Ground) -> tuple[list[Entry], list[Result]]:
    """Who has made what it makes of the reference, and who could not."""
    ready, failed = [], []
    for entry in entries:
        if case.rows > entry.contestant.largest:
            continue
        try:
            prepare(entry, ground.task(case, entry))
            ready.append(entry)
        except RuntimeError as error:
            failed.append(Result(entry.contestant.name, case, None, str(error)))
    return ready, failed


def _result(case: Case, name: str, outcomes: list[Outcome]) -> Result:
    figures = [outcome for outcome in outcomes if isinstance(outcome, Figures)]
    words = next((outcome.words for outcome in outcomes if isinstance(outcome, Failed)), "")
    return Result(name, case, None if words else median(figures), words)


def _faults(result: Result, entry: Entry, ground: Ground) -> Result:
    """With what is found in the file with faults, and in the one with a wrong type; each is judged once."""
    found: dict[str, int | None] = {}
    clean = ground.task(result.case, entry)
    for content in ("mistyped", "faulty"):
        name = clean.path.name.replace("clean", content)
        outcome = once(entry, replace(clean, path=clean.path.with_name(name)))
        if isinstance(outcome, Failed):
            return replace(result, found=found, words=f"on the {content} file: {outcome.words}")
        found |= outcome.found
    return replace(result, found=found)


if __name__ == "__main__":
    main()
