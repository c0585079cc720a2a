"""Refuse an object as a whole: what reading it can end with instead of rows."""

from __future__ import annotations

import re
from typing import Final

import duckdb

from retide.domain.verdict import EXAMPLES, Example, Finding, Severity

SHOWN = 80
_LONGEST: Final = 200
_PATH: Final = re.compile(r"""["'(]/\w.*?["')]|(?<!\S)/\w\S*""")


class Refused(Exception):
    """The object cannot be read any further; `findings` say why, `rows` how many rows it has where that is known."""

    def __init__(self, *findings: Finding, rows: int = 0) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = findings
        self.rows = rows


def unreadable(seen: str, advice: str, examples: tuple[Example, ...] = (), rows: int = 0) -> Refused:
    expected = "a table as CSV, JSON Lines (both also as .gz or .zst) or Parquet"
    return Refused(Finding("readable", "", expected, printable(seen), advice, rows, examples))


def in_words(error: duckdb.Error) -> str:
    """What DuckDB says is wrong, without the place where the file lies here, which tells its sender nothing."""
    message = str(error).partition("\n")[0].partition(": ")[2]
    return _PATH.sub("the file", message)[:_LONGEST]


def too_large_for_memory(mebibytes: int) -> Refused:
    """What is in memory is a few rows at a time, so it is the file that asks for more at once than any honest one."""
    seen = f"a file that cannot be read in {mebibytes:,} MiB of memory: single pages, cells or row groups are too large"
    return unreadable(
        seen, "Write row groups of about 100,000 rows and shorter cells; if it is damaged, send it again."
    )


def too_slow(seconds: float) -> Refused:
    seen = f"a file that is not judged after {seconds:,.0f} seconds, in which files of its size are"
    return unreadable(seen, "Split it into several files, with fewer columns or shorter cells where it has many.")


def warning(rule: str, column: str, expected: str, seen: str, advice: str) -> Finding:
    return Finding(rule, column, expected, seen, advice, severity=Severity.WARN)


def examples(rows: list[tuple[int, object]]) -> tuple[Example, ...]:
    return tuple(Example(row, shown(value)) for row, value in rows[:EXAMPLES])


def mend(what: str, severity: Severity, *, nullable: bool = False) -> str:
    """What is to be done about values or rows that break a rule of this severity."""
    empty = " or leave the cell empty where nothing is known," if nullable else ""
    match severity:
        case Severity.REFUSE:
            return f"Correct these {what},{empty} then send the file again."
        case Severity.QUARANTINE:
            return f"Correct these {what},{empty} then send these rows again, as a file of their own."
        case Severity.WARN:
            return f"They are accepted as they are: nothing must be sent. If these {what} are wrong, mend their source."


def shown(value: object) -> str:
    """A value as a person can read it in one line."""
    if value is None:
        return "(missing)"
    text = printable(str(value)[: SHOWN + 1])
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def printable(text: str) -> str:
    """What cannot be seen, or turns what follows around, is written as Python would."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: list[str], most: int = 10) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + rest
