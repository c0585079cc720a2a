"""SQL expressions that turn one source column into the contract's type: NULL for a missing cell, never a guess."""

from __future__ import annotations

from typing import Final

from retide.data.engine import name, text, texts
from retide.domain.contract import Column, ColumnType, Contract

STORED: Final = {
    ColumnType.INTEGER: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.CATEGORY: "VARCHAR",
    ColumnType.STRING: "VARCHAR",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}
WANTED: Final = {
    ColumnType.INTEGER: "a whole number",
    ColumnType.FLOAT: "a number that is finite in 32 bits, with a decimal point",
    ColumnType.BOOLEAN: "true or false (also yes/no, 1/0)",
    ColumnType.CATEGORY: "text",
    ColumnType.STRING: "text",
    ColumnType.TIMESTAMP: "a time like 2026-11-05T12:00:00Z (UTC where no offset is given)",
}
_INTEGERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_FLOATS: Final = frozenset({"FLOAT", "DOUBLE"})
_TIMES: Final = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "TIMESTAMP WITH TIME ZONE"})
_BLANKS: Final = " \t\r\n\v\f\u00a0\u2007\u202f\ufeff"
_LARGEST: Final = "3.4e38"  # jobs compute in 32 bits
_INTEGER_TEXT: Final = r"[+-]?[0-9]+(\.0*)?"
_FLOAT_TEXT: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_TIME_TEXT: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"


def present(source: str, physical: str, column: Column, contract: Contract) -> str:
    """The cell without the missing markers, still of its own type; text loses the blanks around it, but for strings."""
    if physical in _FLOATS:
        return f"CASE WHEN isnan({source}) THEN NULL ELSE {source} END"
    if not is_text(physical):
        return source
    plain = f"CAST({source} AS VARCHAR)"
    trimmed = f"trim({plain}, {text(_BLANKS)})"
    kept = plain if column.type is ColumnType.STRING else trimmed
    return f"CASE WHEN {trimmed} IN ({texts(('', *contract.missing))}) THEN NULL ELSE {kept} END"


def typed(cell: str, physical: str, column: Column) -> str | None:
    """A present cell in the contract's type, NULL if its value does not fit; None if its type never fits."""
    if is_text(physical):
        return _from_text(cell, column.type)
    if column.type is ColumnType.INTEGER and _is_number(physical):
        return f"CASE WHEN {cell} = trunc({cell}) THEN TRY_CAST({cell} AS BIGINT) END"
    if column.type is ColumnType.FLOAT and _is_number(physical):
        return _finite(cell)
    if column.type is ColumnType.BOOLEAN and physical == "BOOLEAN":
        return cell
    if column.type is ColumnType.STRING and physical in _INTEGERS:
        return f"CAST({cell} AS VARCHAR)"
    if column.type is ColumnType.TIMESTAMP and physical in _TIMES:
        return _time(cell)
    return None


def text_fits(column: Column) -> bool:
    """Whether a Parquet column of text may stand for this type; numbers there are to be stored as numbers."""
    return column.type in {ColumnType.CATEGORY, ColumnType.STRING, ColumnType.TIMESTAMP}


def is_text(physical: str) -> bool:
    return physical == "VARCHAR" or physical.startswith("ENUM")


def bucket(contract: Contract) -> str:
    """0 to 9999, a pure function of the row: of its id, or of features and target where the contract names no id.

    md5 of the values as text, each with its length before it (`-` for NULL), little-endian, modulo 10,000.
    """
    content = (*(column.name for column in contract.features), contract.target)
    parts = ", ".join(_marked(f"CAST({name(column)} AS VARCHAR)") for column in contract.id or content)
    return f"CAST(md5_number(concat({parts})) % 10000 AS USMALLINT)"


def _marked(value: str) -> str:
    return f"coalesce(length({value}) || ':' || {value}, '-')"


def _from_text(cell: str, wanted: ColumnType) -> str:
    match wanted:
        case ColumnType.INTEGER:
            return f"CASE WHEN regexp_full_match({cell}, {text(_INTEGER_TEXT)}) THEN TRY_CAST({cell} AS BIGINT) END"
        case ColumnType.FLOAT:
            return f"CASE WHEN regexp_full_match({cell}, {text(_FLOAT_TEXT)}) THEN {_finite(cell)} END"
        case ColumnType.BOOLEAN:
            yes, no = "'true', 't', 'yes', 'y', '1', '1.0'", "'false', 'f', 'no', 'n', '0', '0.0'"
            return f"CASE WHEN lower({cell}) IN ({yes}) THEN true WHEN lower({cell}) IN ({no}) THEN false END"
        case ColumnType.TIMESTAMP:
            return f"CASE WHEN regexp_matches({cell}, {text(_TIME_TEXT)}) THEN {_time(f'TRY_CAST({cell} AS TIMESTAMPTZ)')} END"
        case ColumnType.CATEGORY | ColumnType.STRING:
            return cell


def _finite(cell: str) -> str:
    number = f"TRY_CAST({cell} AS DOUBLE)"
    return f"CASE WHEN abs({number}) <= {_LARGEST} THEN {number} END"


def _time(cell: str) -> str:
    return f"CASE WHEN isfinite({cell}) THEN TRY_CAST({cell} AS TIMESTAMP) END"


def _is_number(physical: str) -> bool:
    return physical in _INTEGERS or physical in _FLOATS or physical.startswith("DECIMAL")
