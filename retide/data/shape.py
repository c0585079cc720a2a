"""Rows of a text that have too few or too many fields: the reader leaves them out, and here they are remembered."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import duckdb

from retide.data import limits
from retide.data.columns import csv_relation
from retide.data.dialect import CsvSource
from retide.data.findings import Refused, counted, examples
from retide.data.source import Source
from retide.domain.contract import Contract
from retide.domain.severity import Severity
from retide.domain.verdict import Finding

_EXPECTED: Final = "rows with as many fields as the header"
_OBJECTS: Final = "a JSON object on each line"
_COMPLETE: Final = (
    "Put fields that hold the delimiter or a line break in double quotes, and check that every row is complete."
)
_WHOLE: Final = "Write each row as one whole JSON object, on a line of its own, and nothing else beside it."
_CLOSE: Final = "Close each quote where its field ends, so that no row takes others with it."
_UNQUOTED: Final = "a quote that is never closed, or text after it"
_COUNTS: Final = frozenset({"MISSING COLUMNS", "TOO MANY COLUMNS"})
_SHAPES: Final = {
    "MISSING COLUMNS": "too few fields",
    "TOO MANY COLUMNS": "too many fields",
    "UNQUOTED VALUE": _UNQUOTED,
    "LINE SIZE OVER MAXIMUM": "a line of over 4 MiB",
}


@dataclass(frozen=True, slots=True)
class Ragged:
    """By number (from 1, all rows counted): what is wrong with a row, and the row as it stands in the file.

    `objects` where it is JSON Lines, whose rows have no fields.
    """

    rows: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    objects: bool = False

    def number(self, row: int) -> int:
        """The number in the file of the row that a reader without the ragged ones counts as `row`."""
        ragged = sorted(self.rows)
        before = [number - i for i, number in enumerate(ragged)]  # rows with a shape before each, and one
        return row + bisect_right(before, row)

    @property
    def swallows(self) -> int:
        """How many lines stand in rows of more than one: there a quote is amiss, and other rows are among them."""
        return sum(len(line.splitlines()) for _, line in self.rows.values() if len(line.splitlines()) > 1)


def ragged(source: object, connection: duckdb.DuckDBPyConnection) -> Ragged:
    """What the last scan of a text has left out."""
    tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"
    if not isinstance(source, CsvSource) or not connection.execute(tables).fetchall()[0][0]:
        return Ragged()
    query = (
        "SELECT line, min(CAST(error_type AS VARCHAR)), min(error_message), min(csv_line) FROM reject_errors "
        "GROUP BY line ORDER BY line"
    )
    found = {}
    for line, kind, message, content in connection.execute(query).fetchall():
        number = line - source.before
        text = (content or "").strip("\r\n")
        flaw = source.flaws.get(number) or f"{_SHAPES.get(kind, message)}{_fields(kind, text, source)}"
        found[number] = (flaw, text)
    return Ragged(found, objects=bool(source.flaws))  # a text with a delimiter has none of these


def _fields(kind: str, line: str, source: CsvSource) -> str:
    """How many fields a line has, where that is what is wrong with it and it is short enough to be cut once more."""
    if kind not in _COUNTS or len(line) > csv.field_size_limit():
        return ""
    found = len(next(csv.reader([line], delimiter=source.delimiter), []))
    return f" ({found:,} instead of {source.width:,})"


def refuse_hopeless(source: Source, connection: duckdb.DuckDBPyConnection) -> None:
    """Raises Refused for more ragged rows than are remembered: a reader takes two kilobytes of memory for each."""
    if not isinstance(source, CsvSource) or _has_shape(source, connection):
        return
    count = 0
    for row in _rows(source):
        count += bool(row) and (len(row) < source.width or any(row[source.width :]))
        if count > limits.RAGGED:
            seen = f"more than {limits.RAGGED:,} rows that do not"
            advice = "Look at the delimiter and the quotes: in such a file one of them is wrong throughout."
            raise Refused(Finding("shape", "", _EXPECTED, seen, advice, count))


def _has_shape(source: CsvSource, connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        connection.execute(f"SELECT count(c0) FROM {csv_relation(source, store_rejects='false')}").fetchall()
    except duckdb.Error:
        return False
    return True


def _rows(source: CsvSource) -> Iterator[list[str]]:
    try:
        yield from records(source)
    except csv.Error:
        seen = "a cell of over 4 MiB, which may be a quote that is never closed"
        advice = "Close each quote, and leave out cells of that size."
        raise Refused(Finding("shape", "", _EXPECTED, seen, advice, 1)) from None


def records(source: CsvSource, *, strict: bool = False) -> Iterator[list[str]]:
    """Raises csv.Error. Python's reader has one limit for all of its users, which is far below that of a line."""
    before = csv.field_size_limit(limits.LONGEST_LINE)
    try:
        with source.path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.reader(file, delimiter=source.delimiter, strict=strict)
    finally:
        csv.field_size_limit(before)


def quote_amiss(source: Source) -> Finding | None:
    """What is wrong with a text that DuckDB gives up on: the first row whose quotes do not match; None without one."""
    if not isinstance(source, CsvSource):
        return None
    number = 1 - source.named
    try:
        for row in records(source, strict=True):
            number += bool(row)
    except csv.Error:
        seen = f"{_UNQUOTED} in row {number}; where the rows after it begin cannot be told"
        return Finding("shape", "", _EXPECTED, seen, f"{_CLOSE} {_COMPLETE}", 1)
    return None


def shape_finding(wrong: Ragged, contract: Contract) -> Finding:
    """Refuses, whatever the contract says, where nobody can tell how many rows would be lost with these."""
    (number, (flaw, _)), *_ = sorted(wrong.rows.items())
    verb = "does" if len(wrong.rows) == 1 else "do"
    seen = f"{counted(len(wrong.rows), 'row')} that {verb} not; row {number} has {flaw}"
    expected, advice = (_OBJECTS, _WHOLE) if wrong.objects else (_EXPECTED, _COMPLETE)
    if wrong.swallows:
        seen = f"{seen}; {wrong.swallows:,} lines are taken for parts of such rows"
        advice = f"{_CLOSE} {advice}"
    hidden = any(column.pii for column in contract.columns)
    first = examples([(row, "(hidden)" if hidden else line) for row, (_, line) in sorted(wrong.rows.items())])
    severity = Severity.REFUSE if wrong.swallows else contract.severity("shape")
    return Finding("shape", "", expected, seen, advice, len(wrong.rows), first, severity)
