"""SQL expressions that turn one source column into the contract's type: NULL for a missing cell, never a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from retide.data.engine import name, text, texts
from retide.domain.contract import Column, ColumnType, Contract
from retide.domain.split import split_of

DAY: Final = 24 * 3600 * 1_000_000  # microseconds
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
    ColumnType.FLOAT: "a number such as 12.5 (finite, also in 32 bits)",
    ColumnType.BOOLEAN: "true or false (also yes/no, 1/0)",
    ColumnType.CATEGORY: "text",
    ColumnType.STRING: "text",
    ColumnType.TIMESTAMP: "a time like 2026-11-05T12:00:00Z (UTC where no offset is given)",
}
NUMBER: Final = "row_number() OVER ()"  # from 1, in the order of the file
_INTEGERS: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
_FLOATS: Final = frozenset({"FLOAT", "DOUBLE"})
_TIMES: Final = frozenset(
    {"DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "TIMESTAMP WITH TIME ZONE"}
)
LARGEST: Final = "3.4e38"  # jobs compute in 32 bits
_BLANKS: Final = r"[\t-\r ]*"  # tabs and line ends too, around numbers
_NUMBER_TEXT: Final = _BLANKS + r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?" + _BLANKS
_INTEGER_TEXT: Final = _BLANKS + r"[+-]?[0-9]+(\.0*)?" + _BLANKS
EXACT: Final = "9007199254740991"  # beyond, a DOUBLE may stand for several whole numbers
EARLIEST: Final = "TIMESTAMP '0001-01-01'"
LATEST: Final = "TIMESTAMP '9999-12-31 23:59:59.999999'"
_AROUND_TIMES: Final = "\t\n\v\f\r "
_TIME_TEXT: Final = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_NO_OFFSET: Final = r":[0-9.]+[+-](1[6-9]|[2-9][0-9])"  # of 16 hours and more: DuckDB takes up to 99


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the contract as a file holds it: `source` is SQL for it, `physical` DuckDB's name of its type.

    `decimal` is the sign before the fraction of a number that is written as text.
    """

    column: Column
    source: str
    physical: str
    decimal: str = "."


def select(found: tuple[Cell, ...], relation: str, contract: Contract, row: str = "") -> str:
    """SQL with for each cell `p0`, what is there, and `v0`, that in its type; `row` may name a column of row numbers.

    `p0` is NULL for a missing marker, `v0` also for what does not fit. Layer upon layer, because a nested expression is
    planned again for each use of it: seconds for thirty columns.
    """
    source = ", ".join(f"{cell.source} AS c{i}" for i, cell in enumerate(found))
    plain = ", ".join(f"{trimmed(f'c{i}', cell)} AS s{i}" for i, cell in enumerate(found))
    there = ", ".join(f"{present(f'c{i}', f's{i}', cell, contract)} AS p{i}" for i, cell in enumerate(found))
    fitting = ", ".join(f"{typed(f'p{i}', cell)} AS t{i}" for i, cell in enumerate(found))
    values = ", ".join(f"{stored(f't{i}', cell.column)} AS v{i}" for i, cell in enumerate(found))
    relation = f"(SELECT {f'{NUMBER} AS {name(row)},' if row else ''} {source} FROM {relation})"
    for layer in (plain, there, fitting, values):
        relation = f"(SELECT *, {layer} FROM {relation})"
    return relation


def fits(column: Column, physical: str) -> bool:
    """Whether a Parquet column of this type can stand for the contract's; text does not stand for numbers there."""
    if is_text(physical):
        return column.type in {ColumnType.CATEGORY, ColumnType.STRING, ColumnType.TIMESTAMP}
    return {
        ColumnType.INTEGER: _is_number(physical),
        ColumnType.FLOAT: _is_number(physical),
        ColumnType.BOOLEAN: physical == "BOOLEAN",
        ColumnType.CATEGORY: False,
        ColumnType.STRING: physical in _INTEGERS,
        ColumnType.TIMESTAMP: physical in _TIMES,
    }[column.type]


def is_whole(physical: str) -> bool:
    return physical in _INTEGERS


def is_text(physical: str) -> bool:
    return physical == "VARCHAR" or physical.startswith("ENUM")


def bucket(contract: Contract) -> str:
    """SQL over typed rows: 0 to 9999, a pure function of the row's id, or of features and target where there is no id.

    md5 of the values as text, each with its length before it (`-` for NULL), little-endian, modulo 10,000. With
    `period` a function of its event time alone: 0 at the end of each so many days, counted from 1970. What it depends
    on is what `retide.domain.split` says.
    """
    made = split_of(contract)
    if made.days:
        return _backwards(f"epoch_us({name(made.columns[0])})", made.days * DAY)
    parts = ", ".join(_marked(f"CAST({name(column)} AS VARCHAR)") for column in made.columns)
    return _modulo(f"md5_number(concat({parts}))")


def _backwards(moment: str, period: int) -> str:
    """Ten-thousandths of the period that are left; times before 1970 have a place in theirs as well."""
    place = f"((({moment}) % {period} + {period}) % {period})"
    return f"CAST(({period} - 1 - {place}) * 10000 // {period} AS USMALLINT)"


def _modulo(number: str) -> str:
    """Of 128 bits modulo 10,000, by halves (2^64 is 1,616 modulo 10,000): DuckDB's own takes twelve times as long."""
    high, low = "CAST(n >> 64 AS UBIGINT)", f"CAST(n & {2**64 - 1} AS UBIGINT)"
    halves = f"CAST(({high} % 10000 * 1616 + {low} % 10000) % 10000 AS USMALLINT)"
    return f"list_transform([{number}], lambda n: {halves})[1]"


def _marked(value: str) -> str:
    return f"coalesce(length({value}) || ':' || {value}, '-')"


def trimmed(source: str, cell: Cell) -> str:
    """Without the blanks around it, Unicode's too; naming them in the call would cost two thirds of all time."""
    return f"trim(CAST({source} AS VARCHAR))" if is_text(cell.physical) else source


def present(source: str, trimmed: str, cell: Cell, contract: Contract) -> str:
    """Strings keep the blanks around them. A chain of WHEN, because IN takes DuckDB longer to plan."""
    if cell.physical in _FLOATS:
        return f"CASE WHEN isnan({source}) THEN NULL ELSE {source} END"
    if not is_text(cell.physical):
        return source
    kept = f"CAST({source} AS VARCHAR)" if cell.column.type is ColumnType.STRING else trimmed
    markers = " ".join(f"WHEN {text(marker)} THEN NULL" for marker in ("", *contract.missing))
    return f"CASE {trimmed} {markers} ELSE {kept} END"


def typed(cell: str, found: Cell) -> str:
    """SQL for what is there in the contract's type; NULL where it does not fit."""
    match found.column.type:
        case ColumnType.INTEGER | ColumnType.FLOAT | ColumnType.BOOLEAN if is_text(found.physical):
            return _parsed(cell, found)
        case ColumnType.INTEGER:
            return f"CASE WHEN {cell} = trunc({cell}) THEN TRY_CAST({cell} AS BIGINT) END"
        case ColumnType.FLOAT:
            return f"TRY_CAST({cell} AS DOUBLE)"
        case ColumnType.TIMESTAMP:
            return _time(cell, found.physical)
        case _:
            return f"CAST({cell} AS {STORED[found.column.type]})"


def _parsed(cell: str, found: Cell) -> str:
    if found.column.type is ColumnType.BOOLEAN:
        yes, no = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")
        return f"CASE WHEN lower({cell}) IN ({texts(yes)}) THEN true WHEN lower({cell}) IN ({texts(no)}) THEN false END"
    pattern, number = _NUMBER_TEXT, cell
    if found.decimal != ".":
        pattern = pattern.replace(r"\.", re.escape(found.decimal))
        number = f"replace({cell}, {text(found.decimal)}, '.')"
    value = f"TRY_CAST({number} AS DOUBLE)"
    if found.column.type is ColumnType.FLOAT:
        return f"CASE WHEN regexp_full_match({cell}, {text(pattern)}) THEN {value} END"
    return (
        f"CASE WHEN regexp_full_match({cell}, {text(_INTEGER_TEXT)}) THEN TRY_CAST({cell} AS BIGINT) "
        f"WHEN regexp_full_match({cell}, {text(pattern)}) THEN {whole(value)} END"
    )


def whole(value: str) -> str:
    """SQL for a DOUBLE as BIGINT; NULL where it has a fraction, or is so large that it need not be what was written."""
    return f"CASE WHEN {value} = trunc({value}) AND abs({value}) <= {EXACT} THEN CAST({value} AS BIGINT) END"


def _time(cell: str, physical: str) -> str:
    if not is_text(physical):
        return f"TRY_CAST({cell} AS TIMESTAMP)"
    cell = f"trim({cell}, {text(_AROUND_TIMES)})"
    time = f"CAST(TRY_CAST({cell} AS TIMESTAMPTZ) AS TIMESTAMP)"
    plausible = f"regexp_matches({cell}, {text(_TIME_TEXT)}) AND NOT regexp_matches({cell}, {text(_NO_OFFSET)})"
    return f"CASE WHEN {plausible} THEN {time} END"


def stored(value: str, column: Column) -> str:
    """Without what jobs cannot compute with: times beyond all calendars, numbers beyond 32-bit floating point."""
    if column.type is ColumnType.FLOAT:
        return f"CASE WHEN abs({value}) <= {LARGEST} THEN {value} END"
    return f"CASE WHEN {in_calendar(value)} THEN {value} END" if column.type is ColumnType.TIMESTAMP else value


def in_calendar(value: str, earliest: str = EARLIEST) -> str:
    """SQL for whether a time is in the years that Python, Arrow and their like can tell; infinite ones are not."""
    return f"{value} BETWEEN {earliest} AND {LATEST}"


def _is_number(physical: str) -> bool:
    return physical in _INTEGERS or physical in _FLOATS or physical.startswith("DECIMAL")
