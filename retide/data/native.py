"""Read the rows of a sound file at full speed, and say which of them `cells` would read otherwise, or not at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from retide.data import cells
from retide.data.cells import Cell
from retide.data.columns import Scan, csv_relation
from retide.data.dialect import CsvSource
from retide.data.engine import name, path, text, texts
from retide.data.globs import glob
from retide.data.source import Source
from retide.data.times import Times, times_in
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract

MISFIT: Final = "retide: a cell that is to be read with care"
_TIMES: Final = ("____-__-_____:__:__", "____-__-_____:__:__Z", "____-__-__")
_EARLIEST: Final = "TIMESTAMP '1000-01-01'"
_WORD: Final = "TIMESTAMP '1900-01-01'"  # what DuckDB makes of a word such as `epoch` where a format is given
_RAW: Final = {ColumnType.FLOAT: "DOUBLE", ColumnType.INTEGER: "DOUBLE", ColumnType.BOOLEAN: "BOOLEAN"}


@dataclass(frozen=True, slots=True)
class Native:
    """`relation` is SQL for the rows in their order, with columns by the contract's names and some more.

    `doubts` are, by column, SQL that is true for a row whose value here is not to be trusted; where one is true, or
    where reading raises duckdb.Error, the file is to be read with care instead. `amiss` says the same as aggregates
    over all rows, which are cheaper: the extremes tell of what is out of bounds. `numbers` are, by column of whole
    numbers, SQL for them as the DOUBLE that they were read as.
    """

    relation: str
    doubts: dict[str, str]
    amiss: dict[str, str]
    numbers: dict[str, str]

    def strict(self, contract: Contract) -> str:
        """SQL for the rows that raises duckdb.Error at a doubt."""
        return _select((f"{self._strict(column)} AS {name(column.name)}" for column in contract.columns), self.relation)

    def _strict(self, column: Column) -> str:
        value, doubt = name(column.name), self.doubts.get(column.name)
        return f"CASE WHEN {doubt} THEN error({text(MISFIT)}) ELSE {value} END" if doubt else value


def native(source: Source, scan: Scan, contract: Contract, *, parsed_times: bool = True) -> Native:
    """DuckDB's own parser of numbers is several times as fast as casting text, but it takes more for a number than a
    contract does: hence DOUBLE for whole numbers (as BIGINT, 1.5 would be 2), and text where there are underscores.

    So is its parser of times, where all are written the same way as the first: with `parsed_times`, reading a text
    raises duckdb.Error for any that is not.
    """
    text_of_rows = source if isinstance(source, CsvSource) else None
    times = times_in(text_of_rows, contract) if text_of_rows and parsed_times else None
    found = tuple(_cell(cell, source, times) for cell in scan.cells)
    relation = _csv(text_of_rows, found, contract, times) if text_of_rows else scan.relation
    raw = _select((f"{cell.source} AS {_raw(i)}" for i, cell in enumerate(found)), relation)
    values = (f"{_value(_raw(i), cell, contract)} AS {name(cell.column.name)}" for i, cell in enumerate(found))
    doubts = {cell.column.name: _doubt(_raw(i), cell, source, contract) for i, cell in enumerate(found)}
    doubts = {column: doubt for column, doubt in doubts.items() if doubt}
    amiss = {
        cell.column.name: _amiss(_raw(i), cell, doubts[cell.column.name], source)
        for i, cell in enumerate(found)
        if cell.column.name in doubts
    }
    numbers = {cell.column.name: _raw(i) for i, cell in enumerate(found) if _is_double(cell)}
    return Native(_select(("*", *values), raw), doubts, amiss, numbers)


def written(file: Path, names: Collection[str]) -> Native:
    """The columns of these names of a file of ours, whose values need no doubt."""
    return Native(_select(map(name, names), f"read_parquet({path(file)})"), {}, {}, {})


def _select(parts: Iterable[str], relation: str) -> str:
    return f"(SELECT {', '.join(parts)} FROM {relation})"


def _raw(i: int) -> str:
    return f"__raw_{i}"


def _cell(cell: Cell, source: Source, times: Times | None) -> Cell:
    """Texts stay text, and so do times that are not all alike, and numbers that DuckDB might read too generously."""
    if not isinstance(source, CsvSource) or cell.column.name not in source.places:
        return cell
    if times and cell.column.name in times.columns:
        return replace(cell, physical="TIMESTAMP")
    generous = cell.column.type in NUMERIC and (source.underscores or cell.decimal != ".")
    raw = None if generous else _RAW.get(cell.column.type)
    return replace(cell, physical=raw or "VARCHAR")


def _csv(source: CsvSource, found: tuple[Cell, ...], contract: Contract, times: Times | None) -> str:
    types = {source.places[cell.column.name]: cell.physical for cell in found if cell.column.name in source.places}
    markers = f"[{texts(tuple(dict.fromkeys(('', *contract.missing))))}]"
    written = {"timestampformat": text(times.format)} if times else {}
    return csv_relation(source, types, store_rejects="false", rejects_limit="0", nullstr=markers, **written)


def _value(raw: str, cell: Cell, contract: Contract) -> str:
    """The value in its type, NULL where there is none or none that fits."""
    kind, is_text = cell.column.type, cells.is_text(cell.physical)
    if kind in {ColumnType.CATEGORY, ColumnType.STRING}:
        return raw if cell.physical == "VARCHAR" else f"CAST({raw} AS VARCHAR)"
    if is_text:
        typed = cells.typed(cells.present(raw, cells.trimmed(raw, cell), cell, contract), cell)
        slow = cells.stored(typed, cell.column)
        return _time(raw, slow) if kind is ColumnType.TIMESTAMP else slow
    return raw if cell.physical == cells.STORED[kind] else f"CAST({raw} AS {cells.STORED[kind]})"


def _time(raw: str, slow: str) -> str:
    """Without an offset a plain cast says the same as one with time zones, and is much faster."""
    usual = " OR ".join(f"{raw} LIKE {text(shape)}" for shape in _TIMES)
    return f"CASE WHEN {usual} THEN TRY_CAST({raw} AS TIMESTAMP) WHEN {raw} IS NOT NULL THEN {slow} END"


def _doubt(raw: str, cell: Cell, source: Source, contract: Contract) -> str:
    kind, value, is_text = cell.column.type, name(cell.column.name), cells.is_text(cell.physical)
    lost = f"{raw} IS NOT NULL AND {value} IS NULL"
    match kind:
        case ColumnType.CATEGORY | ColumnType.STRING:
            return _doubtful_text(raw, cell.column, source, contract) if is_text else ""
        case ColumnType.TIMESTAMP if is_text:
            return f"{raw} IS NOT NULL AND NOT coalesce({cells.in_calendar(value, _EARLIEST)}, false)"
        case ColumnType.TIMESTAMP if isinstance(source, CsvSource):
            return f"NOT {cells.in_calendar(value, _EARLIEST)} OR {value} = {_WORD}"
        case ColumnType.TIMESTAMP:
            return f"NOT {cells.in_calendar(value)}"
        case ColumnType.FLOAT if not is_text:
            return f"NOT abs({raw}) <= {cells.LARGEST}"
        case ColumnType.INTEGER if not is_text:
            return "" if cells.is_whole(cell.physical) else f"{raw} <> trunc({raw}) OR abs({raw}) > {cells.EXACT}"
        case ColumnType.BOOLEAN if not is_text:
            return ""
        case _:
            return lost


def _amiss(raw: str, cell: Cell, doubt: str, source: Source) -> str:
    """SQL for an aggregate that is true where the doubt is true for any row; a NaN is the greatest number there is."""
    kind, value, is_text = cell.column.type, name(cell.column.name), cells.is_text(cell.physical)
    match kind:
        case ColumnType.TIMESTAMP if is_text:
            return f"count({raw}) <> count({value}) OR {_beyond(value, _EARLIEST, cells.LATEST)}"
        case ColumnType.TIMESTAMP if isinstance(source, CsvSource):
            return f"count_if({value} = {_WORD}) > 0 OR {_beyond(value, _EARLIEST, cells.LATEST)}"
        case ColumnType.TIMESTAMP:
            return _beyond(value, cells.EARLIEST, cells.LATEST)
        case ColumnType.FLOAT if not is_text:
            return _beyond(value, f"-{cells.LARGEST}", cells.LARGEST)
        case ColumnType.INTEGER if not is_text:
            return f"count_if({raw} <> trunc({raw})) > 0 OR {_beyond(raw, f'-{cells.EXACT}', cells.EXACT)}"
        case _:
            return f"count_if({doubt}) > 0"


def _beyond(value: str, least: str, most: str) -> str:
    return f"NOT (min({value}) >= {least} AND max({value}) <= {most})"


def _is_double(cell: Cell) -> bool:
    return cell.column.type is ColumnType.INTEGER and cell.physical == "DOUBLE"


def _doubtful_text(raw: str, column: Column, source: Source, contract: Contract) -> str:
    """What begins and ends with a visible ASCII character, and is no marker, is what it is: nothing to trim.

    Where the contract lists the values of a column, or has a pattern that only such texts match, others break a rule.
    """
    if _told_by_rule(column, contract):
        return ""
    plain = [f"{raw} >= '!'", f"NOT suffix({raw}, ' ')"]
    if not isinstance(source, CsvSource):
        plain += [f"{raw} <> {text(marker)}" for marker in contract.missing if marker]
    if not isinstance(source, CsvSource) or not source.plain:
        plain.append(f"strlen({raw}) = length({raw})")
    return f"NOT ({' AND '.join(plain)})"


def _told_by_rule(column: Column, contract: Contract) -> bool:
    if column.pattern is not None and glob(column.pattern):
        return not any(re.fullmatch(column.pattern, marker) for marker in contract.missing)
    return bool(column.values) and not column.open and _visible(column.values, contract)


def _visible(values: tuple[str, ...], contract: Contract) -> bool:
    return all(value == value.strip() and value not in ("", *contract.missing) for value in values)
