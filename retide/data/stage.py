"""Write the typed rows of a file as deterministic Parquet, or say which cells do not fit their type."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import duckdb

from retide.data import cells
from retide.data.cells import Cell
from retide.data.columns import Scan
from retide.data.engine import name, text
from retide.data.findings import Refused, counted, examples, mend
from retide.domain.contract import NUMERIC, Column, Contract
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
        findings = _misfits(scan, contract, connection)
        _write(scan, contract, connection, target, strict=False)
    _refuse_ragged(connection)
    return findings


def _write(
    scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection, target: Path, *, strict: bool
) -> None:
    values = ", ".join(
        f"{_strict(i) if strict else f'v{i}'} AS {name(cell.column.name)}" for i, cell in enumerate(scan.cells)
    )
    rows = f"SELECT {values} FROM {cells.select(scan.cells, scan.relation, contract)}"
    connection.execute(
        f"COPY (SELECT *, {cells.bucket(contract)} AS {name(BUCKET)} FROM ({rows})) "
        f"TO {text(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
    )


def _strict(i: int) -> str:
    return f"CASE WHEN {_wrong(i)} THEN error({text(_MISFIT)}) ELSE v{i} END"


def _wrong(i: int) -> str:
    return f"p{i} IS NOT NULL AND v{i} IS NULL"


def _misfits(scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection) -> tuple[Finding, ...]:
    rows = cells.select(scan.cells, scan.relation, contract)
    numbered = cells.select(scan.cells, scan.relation, contract, row="row")
    totals = ", ".join(f"count(*) FILTER ({_wrong(i)})" for i in range(len(scan.cells)))
    counts = connection.execute(f"SELECT {totals} FROM {rows}").fetchall()[0]
    return tuple(
        _misfit(scan.cells[i], count, _first(numbered, i, connection)) for i, count in enumerate(counts) if count
    )


def _first(rows: str, i: int, connection: duckdb.DuckDBPyConnection) -> list[tuple[int, object]]:
    query = f"SELECT row, CAST(p{i} AS VARCHAR) FROM {rows} WHERE {_wrong(i)} LIMIT {EXAMPLES}"
    return connection.execute(query).fetchall()


def as_written(finding: Finding, scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Finding:
    """The same finding about a value out of range, with what stands in the file: a person looks for `1e9` there."""
    if finding.rule != "range":
        return finding
    cell = next(cell for cell in scan.cells if cell.column.name == finding.column)
    rows = cells.select((cell,), scan.relation, contract, row="row")
    wanted = ", ".join(str(example.row) for example in finding.examples)
    query = f"SELECT row, CAST(p0 AS VARCHAR) FROM {rows} WHERE row IN ({wanted}) ORDER BY row"
    return replace(finding, examples=examples(connection.execute(query).fetchall()))


def _misfit(cell: Cell, count: int, first: list[tuple[int, object]]) -> Finding:
    kind = cell.column.type
    seen = f"{counted(count, 'row')} with something else"
    return Finding(
        "type", cell.column.name, cells.WANTED[kind], seen, _advise(cell.column, first), count, examples(first)
    )


def _advise(column: Column, first: list[tuple[int, object]]) -> str:
    values = [str(value) for _, value in first]
    if column.type in NUMERIC and all("," in value for value in values):
        return "Write numbers with a decimal point and without thousands separators."
    return mend(column)


def _has_rejects(connection: duckdb.DuckDBPyConnection) -> bool:
    tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"
    return bool(connection.execute(tables).fetchall()[0][0])


def _refuse_ragged(connection: duckdb.DuckDBPyConnection) -> None:
    """A row of the wrong shape shifts its values: nothing in the file can be trusted until it is mended."""
    if not _has_rejects(connection):
        return
    query = (
        "SELECT line, min(CAST(error_type AS VARCHAR)), min(error_message), min(csv_line) FROM reject_errors "
        "GROUP BY line ORDER BY line"
    )
    wrong = connection.execute(query).fetchall()
    if wrong:
        raise _ragged(wrong)


def _ragged(wrong: list[tuple[int, str, str, str]]) -> Refused:
    line, kind, message, _ = wrong[0]
    verb = "does" if len(wrong) == 1 else "do"
    seen = f"{counted(len(wrong), 'row')} that {verb} not; row {line - 1} has {_SHAPES.get(kind, message)}"
    advice = (
        "Put fields that hold the delimiter or a line break in double quotes, and check that every row is complete."
    )
    first = examples([(row[0] - 1, row[3].strip("\r\n")) for row in wrong])
    return Refused(Finding("shape", "", "rows with as many fields as the header", seen, advice, len(wrong), first))
