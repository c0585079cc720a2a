"""Rows of a text that have too few or too many fields: the reader leaves them out, and here they are remembered."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import duckdb

from retide.data.dialect import CsvSource
from retide.data.findings import counted, examples
from retide.domain.contract import Contract
from retide.domain.verdict import Finding

_SHAPES: Final = {
    "MISSING COLUMNS": "too few fields",
    "TOO MANY COLUMNS": "too many fields",
    "UNQUOTED VALUE": "a quote that is never closed, or text after it",
    "LINE SIZE OVER MAXIMUM": "a line of over 4 MiB",
}


@dataclass(frozen=True, slots=True)
class Ragged:
    """By number (from 1, all rows counted): what is wrong with a row, and the row as it stands in the file."""

    rows: Mapping[int, tuple[str, str]] = field(default_factory=dict)

    def number(self, row: int) -> int:
        """The number in the file of the row that a reader without the ragged ones counts as `row`."""
        ragged = sorted(self.rows)
        before = [number - i for i, number in enumerate(ragged)]  # rows with a shape before each, and one
        return row + bisect_right(before, row)


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
        flaw = source.flaws.get(number) or _SHAPES.get(kind, message)
        found[number] = (flaw, (content or "").strip("\r\n"))
    return Ragged(found)


def shape_finding(wrong: Ragged, contract: Contract) -> Finding:
    (number, (flaw, _)), *_ = sorted(wrong.rows.items())
    verb = "does" if len(wrong.rows) == 1 else "do"
    seen = f"{counted(len(wrong.rows), 'row')} that {verb} not; row {number} has {flaw}"
    advice = (
        "Put fields that hold the delimiter or a line break in double quotes, and check that every row is complete."
    )
    hidden = any(column.pii for column in contract.columns)
    first = examples([(row, "(hidden)" if hidden else line) for row, (_, line) in sorted(wrong.rows.items())])
    expected = "rows with as many fields as the header"
    return Finding("shape", "", expected, seen, advice, len(wrong.rows), first, contract.severity("shape"))
