"""Write the typed rows of a file as deterministic Parquet, or say which cells do not fit their type."""
# ruff: noqa: S608 - every name and text in these statements is quoted by `engine`, and comes from our own contract

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from retide.data import cells
from retide.data.columns import Cell, Scan
from retide.data.engine import name, text
from retide.data.findings import Refused, examples, unreadable
from retide.domain.contract import ColumnType, Contract
from retide.domain.verdict import EXAMPLES, Finding

BUCKET: Final = "__bucket"
_MISFIT: Final = "retide: a cell does not fit its type"
_SHAPES: Final = {
    "MISSING COLUMNS": "too few fields",
    "TOO MANY COLUMNS": "too many fields",
    "UNQUOTED VALUE": "a quote that is never closed, or text after it",
    "LINE SIZE OVER MAXIMUM": "a line of over 4 MiB",
}


def stage(scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection, target: Path) -> tuple[Finding, ...]:
    """Write `target` and return the cells that do not fit; their values are NULL there. Raises Refused.

    The first attempt stops at a misfit, so that good files, which nearly all are, are read once.
    """
    try:
        _write(scan, contract, connection, target, strict=True)
        findings: tuple[Finding, ...] = ()
    except duckdb.Error as error:
        if _MISFIT not in str(error):
            raise
        findings = _misfits(scan, connection)
        _write(scan, contract, connection, target, strict=False)
    _refuse_ragged(connection)
    return findings


def _write(scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection, target: Path, *, strict: bool) -> None:
    connection.execute("DELETE FROM reject_errors") if _has_rejects(connection) else None
    values = ", ".join(f"{_value(cell, strict)} AS {name(cell.column.name)}" for cell in scan.cells)
    connection.execute(
        f"COPY (SELECT *, {cells.bucket(contract)} AS {name(BUCKET)} FROM (SELECT {values} FROM {scan.relation})) "
        f"TO {text(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
    )


def _value(cell: Cell, strict: bool) -> str:
    stored = cells.STORED[cell.column.type]
    misfit = f"WHEN ({cell.present}) IS NOT NULL AND ({cell.typed}) IS NULL THEN error({text(_MISFIT)})"
    return f"CAST(CASE {misfit if strict else 'WHEN false THEN NULL'} ELSE {cell.typed} END AS {stored})"


def _misfits(scan: Scan, connection: duckdb.DuckDBPyConnection) -> tuple[Finding, ...]:
    wrong = [f"({cell.present}) IS NOT NULL AND ({cell.typed}) IS NULL" for cell in scan.cells]
    totals = ", ".join(f"count(*) FILTER ({condition})" for condition in wrong)
    counts = connection.execute(f"SELECT {totals} FROM {scan.relation}").fetchall()[0]
    return tuple(
        _misfit(cell, count, _first(scan, cell, condition, connection))
        for cell, condition, count in zip(scan.cells, wrong, counts, strict=True)
        if count
    )


def _first(
    scan: Scan, cell: Cell, condition: str, connection: duckdb.DuckDBPyConnection
) -> list[tuple[int, object]]:
    query = f"SELECT row, CAST({cell.present} AS VARCHAR) FROM {scan.counted} WHERE {condition} LIMIT {EXAMPLES}"
    return connection.execute(query).fetchall()


def _misfit(cell: Cell, count: int, first: list[tuple[int, object]]) -> Finding:
    kind = cell.column.type
    seen = f"{count:,} rows with something else"
    return Finding("type", cell.column.name, cells.WANTED[kind], seen, _advise(kind, first), count, examples(first))


def _advise(kind: ColumnType, first: list[tuple[int, object]]) -> str:
    values = [str(value) for _, value in first]
    if kind in {ColumnType.FLOAT, ColumnType.INTEGER} and all("," in value for value in values):
        return "Write numbers with a decimal point and without thousands separators."
    return "Correct these values; leave a cell empty where nothing is known."


def _has_rejects(connection: duckdb.DuckDBPyConnection) -> bool:
    tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"
    return bool(connection.execute(tables).fetchall()[0][0])


def _refuse_ragged(connection: duckdb.DuckDBPyConnection) -> None:
    """A row of the wrong shape shifts its values: nothing in the file can be trusted until it is mended."""
    if not _has_rejects(connection):
        return
    query = "SELECT line, min(CAST(error_type AS VARCHAR)), min(error_message), min(csv_line) FROM reject_errors GROUP BY line ORDER BY line"
    wrong = connection.execute(query).fetchall()
    if wrong:
        raise _ragged(wrong)


def _ragged(wrong: list[tuple[int, str, str, str]]) -> Refused:
    line, kind, message, _ = wrong[0]
    seen = f"{len(wrong):,} rows with another number of fields than the header; the first, row {line - 1}: {_SHAPES.get(kind, message)}"
    advice = "Put fields that hold the delimiter or a line break in double quotes, and check that every row is complete."
    first = examples([(row[0] - 1, row[3].strip("\r\n")) for row in wrong])
    return Refused(Finding("shape", "", "as many fields in each row as in the header", seen, advice, len(wrong), first))


__all__ = ["BUCKET", "stage", "unreadable"]
