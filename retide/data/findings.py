"""Refuse an object as a whole: what reading it can end with instead of rows."""

from __future__ import annotations

from retide.domain.contract import Column
from retide.domain.verdict import EXAMPLES, Example, Finding, Severity

SHOWN = 80


class Refused(Exception):
    """The object cannot be read any further; `findings` say why, `rows` how many rows it has where that is known."""

    def __init__(self, *findings: Finding, rows: int = 0) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = findings
        self.rows = rows


def unreadable(seen: str, advice: str, examples: tuple[Example, ...] = (), rows: int = 0) -> Refused:
    expected = "a CSV file with a header (UTF-8, also gzipped) or a Parquet file"
    return Refused(Finding("readable", "", expected, seen, advice, rows, examples))


def warning(rule: str, column: str, expected: str, seen: str, advice: str) -> Finding:
    return Finding(rule, column, expected, seen, advice, severity=Severity.WARN)


def examples(rows: list[tuple[int, object]]) -> tuple[Example, ...]:
    return tuple(Example(row, shown(value)) for row, value in rows[:EXAMPLES])


def mend(column: Column) -> str:
    empty = " or leave the cell empty where nothing is known," if column.nullable else ""
    return f"Correct these values,{empty} then send the file again."


def shown(value: object) -> str:
    """A value as a person can read it in one line."""
    if value is None:
        return "(missing)"
    text = str(value).replace("\r", "\\r").replace("\n", "\\n")
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: list[str], most: int = 10) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + rest
