"""Match the columns of a file with the contract's, by name: their order does not matter, what is unknown is dropped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

import duckdb

from retide.data import limits, parquet
from retide.data.cells import STORED, Cell, fits
from retide.data.dialect import CsvSource
from retide.data.engine import name, path, text
from retide.data.findings import Refused, counted, listed, shown, warning
from retide.data.parquet import Footer, ParquetSource
from retide.data.source import Source
from retide.domain.contract import Column, Contract
from retide.domain.verdict import Finding

_NOTHING: Final = ("CAST(NULL AS VARCHAR)", "VARCHAR")
_SHOWN: Final = 5
_AT_ONCE: Final = 2 * limits.LONGEST_LINE  # bytes: DuckDB's own sixteen longest lines fill memory, and caches less well
_TEXT: Final[Mapping[int, str]] = MappingProxyType({})  # every field as text
_LINE_ENDS: Final = {
    "\n": r"'\n'",
    "\r\n": r"'\r\n'",
    "\r": r"'\r'",
}  # DuckDB's names, else it takes the first in quotes
_NUMBER: Final = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Scan:
    """A file ready to be read: `relation` is SQL for its rows, in their order; `rows` is about how many they are.

    `footer` is that of a Parquet file.

    `absent` columns read as NULL, so that a person also learns what is wrong with the others.
    """

    relation: str
    cells: tuple[Cell, ...]
    absent: frozenset[str]
    findings: tuple[Finding, ...]
    source: Source
    rows: int
    footer: Footer | None


def scan(source: Source, contract: Contract, connection: duckdb.DuckDBPyConnection, *, earlier: bool = False) -> Scan:
    """Raises Refused where most columns are missing, or some given twice or of a type that never fits.

    `earlier`: it is a curated file, of what was accepted before; nullable columns that it lacks are no fault of it.
    """
    if isinstance(source, CsvSource):
        return _scan_csv(source, contract)
    return _scan_parquet(source, contract, connection, earlier=earlier)


def _scan_csv(source: CsvSource, contract: Contract) -> Scan:
    findings = _compare(source.header, contract, source.delimiter if source.named else None)
    places = {column: (f"c{place}", "VARCHAR") for column, place in source.places.items()}
    return _scan(csv_relation(source), places, (*source.findings, *findings), contract, source, source.rows_about())


def csv_relation(source: CsvSource, types: Mapping[int, str] = _TEXT, **options: str) -> str:
    """SQL for the rows of a text, its fields as c0, c1 … of type VARCHAR or the one that `types` gives a field.

    `options` are SQL for further options of DuckDB's read_csv, or other ones.
    """
    fields = ", ".join(f"'c{place}': {text(types.get(place, 'VARCHAR'))}" for place in range(source.width))
    settings = {
        "auto_detect": "false",
        "header": str(source.named).lower(),
        "skip": str(source.skip),
        "delim": text(source.delimiter),
        "quote": text('"'),
        "escape": text('"'),
        "new_line": _LINE_ENDS[source.line_end],
        "columns": f"{{{fields}}}",
        "store_rejects": "true",
        "max_line_size": str(limits.LONGEST_LINE),
        "buffer_size": str(_AT_ONCE),
        "hive_partitioning": "false",
        **options,
    }
    return f"read_csv({path(source.path)}, {', '.join(f'{name}={value}' for name, value in settings.items())})"


def _scan_parquet(
    source: ParquetSource, contract: Contract, connection: duckdb.DuckDBPyConnection, *, earlier: bool
) -> Scan:
    footer = parquet.check_size(source, connection)
    there = parquet.columns(source, connection)
    findings = _compare(tuple(column for column, _, _ in there), contract, None, earlier=earlier)
    places = {column: (name(inside), kind) for column, inside, kind in there}
    found = [(column, places[column.name][1]) for column in contract.columns if column.name in places]
    wrong = [_wrong_type(column, kind) for column, kind in found if not fits(column, kind)]
    if wrong:
        raise Refused(*wrong, *findings)
    return _scan(parquet.relation(source), places, findings, contract, source, footer.rows, footer)


def _scan(
    relation: str,
    places: dict[str, tuple[str, str]],
    findings: tuple[Finding, ...],
    contract: Contract,
    source: Source,
    rows: int,
    footer: Footer | None = None,
) -> Scan:
    absent = frozenset(column.name for column in contract.columns if column.name not in places)
    decimal = source.decimal if isinstance(source, CsvSource) else "."
    found = tuple(Cell(column, *places.get(column.name, _NOTHING), decimal) for column in contract.columns)
    return Scan(relation, found, absent, findings, source, rows, footer)


def _wrong_type(column: Column, physical: str) -> Finding:
    advice = f"Write it as {STORED[column.type]} (or a type that holds the same values) and send the file again."
    if physical.startswith(("STRUCT", "MAP", "UNION")) or physical.endswith("]"):
        advice = f"Nested values are no cells: write a column of its own for what is meant, as {STORED[column.type]}."
    return Finding("type", column.name, f"a Parquet column of type {column.type.value}", shown(physical), advice)


def _compare(
    header: tuple[str, ...], contract: Contract, delimiter: str | None, *, earlier: bool = False
) -> tuple[Finding, ...]:
    """What is odd about the names; raises Refused where reading on would only raise more questions.

    What was accepted `earlier` need not have the nullable columns: the contract may have got them since.
    """
    known = [column.name for column in contract.columns]
    unknown = [column for column in header if column not in known]
    wanted = [column.name for column in contract.columns if not (earlier and column.nullable)]
    missing = [column for column in wanted if column not in header]
    repeated = [_repeated(column, header.count(column)) for column in known if header.count(column) > 1]
    is_row = len(unknown) == len(header)  # for all we know: then these are no names, but values
    secret = is_row and any(column.pii for column in contract.columns)
    absent = [_missing(header, known, missing, unknown, delimiter, secret=secret)] if missing else []
    findings = (*repeated, *absent, *([_dropped(unknown)] if unknown else []))
    if repeated or len(missing) > len(known) / 2:
        raise Refused(*repeated, *absent)  # the unknown columns are named there already
    return findings


def _missing(
    header: tuple[str, ...],
    known: list[str],
    missing: list[str],
    unknown: list[str],
    delimiter: str | None,
    *,
    secret: bool,
) -> Finding:
    gone = "none of them" if len(missing) == len(known) else f"{listed(missing, _SHOWN)} missing"
    others = f"{counted(len(unknown), 'name')} (hidden)" if secret else listed(unknown, _SHOWN) or "nothing"
    seen = f"{gone}; unknown in the file: {others}"
    advice = _advise(header, missing, unknown, delimiter, wanted=len(known))
    return Finding("columns", "", f"all {len(known)} columns of the contract", seen, advice)


def _advise(
    header: tuple[str, ...], missing: list[str], unknown: list[str], delimiter: str | None, *, wanted: int
) -> str:
    if delimiter and len(header) == 1:
        return (
            "The first line holds no comma, semicolon, tab or bar: separate the columns with one of them, or name the "
            "sign that separates them in the contract (format.delimiter)."
        )
    if delimiter and _looks_like_data(header, none_known=len(missing) == wanted):
        return "The first line looks like data: begin the file with a line of column names."
    renames = [f"{_written(close, column)} to {column!r}" for column in missing if (close := _closest(column, unknown))]
    if renames:
        return f"Rename {listed(renames)} if that is what they are, then send the file again."
    return "Add what is missing, or make the contract say that it is not needed, then send the file again."


def _written(found: str, column: str) -> str:
    """A name that looks like the column's is shown by its code points: nobody could tell the two apart."""
    alike = column.isascii() or unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", column)
    return ascii(found) if alike else repr(found)


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
