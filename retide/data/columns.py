"""Match the columns of a file with the contract's, by name: their order does not matter, what is unknown is dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import duckdb

from retide.data.cells import STORED, Cell, fits
from retide.data.engine import name, text
from retide.data.findings import Refused, listed, warning
from retide.data.source import CsvSource, ParquetSource
from retide.domain.contract import Column, Contract
from retide.domain.verdict import Finding

_NOTHING: Final = ("CAST(NULL AS VARCHAR)", "VARCHAR")
_SHOWN: Final = 5
_LONGEST_LINE: Final = 2**22
_NUMBER: Final = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Scan:
    """A file ready to be read: `relation` is SQL for its rows, in their order.

    `absent` columns read as NULL, so that a person also learns what is wrong with the others.
    """

    relation: str
    cells: tuple[Cell, ...]
    absent: frozenset[str]
    findings: tuple[Finding, ...]


def scan(source: CsvSource | ParquetSource, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Scan:
    """Raises Refused where most columns are missing, or some given twice or of a type that never fits."""
    return _scan_csv(source, contract) if isinstance(source, CsvSource) else _scan_parquet(source, contract, connection)


def _scan_csv(source: CsvSource, contract: Contract) -> Scan:
    findings = _compare(source.header, contract, source.delimiter)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(source.header)))
    relation = (
        f"read_csv({text(source.path)}, auto_detect=false, header=true, skip={source.skip}, "
        f"delim={text(source.delimiter)}, quote='\"', escape='\"', columns={{{columns}}}, "
        f"store_rejects=true, max_line_size={_LONGEST_LINE})"
    )
    places = {column: (f"c{i}", "VARCHAR") for i, column in enumerate(source.header)}
    return _scan(relation, places, findings, contract)


def _scan_parquet(source: ParquetSource, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Scan:
    relation = f"read_parquet({text(source.path)})"
    kinds = {row[0]: row[1] for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()}
    findings = _compare(tuple(kinds), contract, None)
    there = [column for column in contract.columns if column.name in kinds]
    wrong = [_wrong_type(column, kinds[column.name]) for column in there if not fits(column, kinds[column.name])]
    if wrong:
        raise Refused(*wrong, *findings)
    return _scan(relation, {column: (name(column), kind) for column, kind in kinds.items()}, findings, contract)


def _scan(relation: str, places: dict[str, tuple[str, str]], findings: tuple[Finding, ...], contract: Contract) -> Scan:
    absent = frozenset(column.name for column in contract.columns if column.name not in places)
    found = tuple(Cell(column, *places.get(column.name, _NOTHING)) for column in contract.columns)
    return Scan(relation, found, absent, findings)


def _wrong_type(column: Column, physical: str) -> Finding:
    advice = f"Write it as {STORED[column.type]} (or a type that holds the same values) and send the file again."
    return Finding("type", column.name, f"a Parquet column of type {column.type.value}", physical, advice)


def _compare(header: tuple[str, ...], contract: Contract, delimiter: str | None) -> tuple[Finding, ...]:
    """What is odd about the names; raises Refused where reading on would only raise more questions."""
    known = [column.name for column in contract.columns]
    unknown = [column for column in header if column not in known]
    missing = [column for column in known if column not in header]
    repeated = [_repeated(column, header.count(column)) for column in known if header.count(column) > 1]
    absent = [_missing(header, known, missing, unknown, delimiter)] if missing else []
    findings = (*repeated, *absent, *([_dropped(unknown)] if unknown else []))
    if repeated or len(missing) > len(known) / 2:
        raise Refused(*repeated, *absent)  # the unknown columns are named there already
    return findings


def _missing(
    header: tuple[str, ...], known: list[str], missing: list[str], unknown: list[str], delimiter: str | None
) -> Finding:
    gone = "none of them" if len(missing) == len(known) else f"{listed(missing, _SHOWN)} missing"
    seen = f"{gone}; unknown in the file: {listed(unknown, _SHOWN) or 'nothing'}"
    advice = _advise(header, missing, unknown, delimiter, wanted=len(known))
    return Finding("columns", "", f"all {len(known)} columns of the contract", seen, advice)


def _advise(
    header: tuple[str, ...], missing: list[str], unknown: list[str], delimiter: str | None, *, wanted: int
) -> str:
    if delimiter and len(header) == 1:
        return "The first line holds no comma, semicolon, tab or bar: separate the columns with one of them."
    if delimiter and _looks_like_data(header, none_known=len(missing) == wanted):
        return "The first line looks like data: begin the file with a line of column names."
    renames = [f"{close!r} to {column!r}" for column in missing if (close := _closest(column, unknown))]
    if renames:
        return f"Rename {listed(renames)} if that is what they are, then send the file again."
    return "Add what is missing, or make the contract say that it is not needed, then send the file again."


def _looks_like_data(header: tuple[str, ...], *, none_known: bool) -> bool:
    """One number among names that nobody knows says as much as a majority among names that somebody may know."""
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in header)
    return numbers > len(header) / 2 or (none_known and numbers > 0)


def _closest(column: str, unknown: list[str]) -> str | None:
    plain = {re.sub(r"[^a-z0-9]", "", candidate.lower()): candidate for candidate in unknown}
    found = get_close_matches(re.sub(r"[^a-z0-9]", "", column.lower()), plain, n=1, cutoff=0.75)
    return plain[found[0]] if found else None


def _repeated(column: str, times: int) -> Finding:
    advice = "Keep the one that is right: nobody can tell which is meant."
    return Finding("columns", column, "one column of this name", f"{times} of them", advice)


def _dropped(unknown: list[str]) -> Finding:
    advice = "They are left out. Add them to the contract if the model should know them."
    return warning("columns", "", "only columns of the contract", f"{len(unknown)} more: {listed(unknown)}", advice)
