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
    expected = "a table as CSV, JSON Lines (both also as .gz or .zst) or Parquet"
    return Refused(Finding("readable", "", expected, seen, advice, rows, examples))


def too_large_for_memory(mebibytes: int) -> Refused:
    """What is in memory is a few rows at a time, so it is the file that asks for more at once than any honest one."""
    seen = f"a file that cannot be read in {mebibytes:,} MiB of memory: single pages, cells or row groups are too large"
    return unreadable(
        seen, "Write row groups of about 100,000 rows and shorter cells; if it is damaged, send it again."
    )


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
    text = str(value)[: SHOWN + 1]
    text = text if text.isprintable() else "".join(map(_visible, text))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _visible(character: str) -> str:
    """What cannot be seen, or turns what follows around, as Python would write it."""
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: list[str], most: int = 10) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + rest
