"""Judge a file that is sound in every cell and row, as nearly all are: one pass, and no rule is asked row by row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb

from retide.data.columns import Scan
from retide.data.dialect import CsvSource
from retide.data.engine import memory_mib, path
from retide.data.native import Native, native
from retide.data.outputs import Outputs
from retide.data.rules import breaks_check, breaks_pattern, rules
from retide.data.statistics import Measured, measure
from retide.data.tally import all_numbers, promising, tallied, told
from retide.data.uniqueness import all_differ, differ_in, everywhere, hashes, repeats_earlier
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract
from retide.domain.profile import ColumnProfile, Profile

_BY_PROFILE: Final = frozenset({"range", "values"})  # but of ids and of what is sensitive, it tells no values
_NONE: Final[Mapping[str, ColumnProfile]] = MappingProxyType({})
_COLUMNS: Final = 100  # of a text: more of them are written and read again, in portions
_LISTED: Final = 2**13  # hashes for each MiB of memory, of eight bytes, that are held rather than read once more


@dataclass(frozen=True, slots=True)
class Sound:
    """`relation` is SQL for the typed rows."""

    relation: str
    profile: Profile


@dataclass(frozen=True, slots=True)
class _Rows:
    """`relation` is SQL for the typed rows, `held` the Parquet file that they are in; the others are as in Native.

    `only` is SQL for some columns of them, which DuckDB plans far faster than all.
    """

    relation: str
    held: Path | None
    only: Callable[[Collection[str]], str]
    amiss: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)


def judge_sound(
    file: Path,
    scan: Scan,
    contract: Contract,
    earlier: tuple[Path, ...],
    outputs: Outputs,
    connection: duckdb.DuckDBPyConnection,
) -> Sound | None:
    """None where anything at all stands out, or cannot be read this way: then somebody has to look at the rows.

    The typed rows are written to scratch where they are to be kept, and also those of a text of more than 100 columns:
    parsed once, they are read again in portions, for the aggregates of all its columns do not fit into one query.
    """
    if scan.absent or (isinstance(scan.source, CsvSource) and scan.source.flaws):
        return None
    for read in _readings(scan, contract):
        try:
            rows = _rows(file, read, scan, contract, outputs)
            return _judge(rows, scan, contract, earlier, connection)
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException):
            continue
    return None


def _readings(scan: Scan, contract: Contract) -> Iterator[Native]:
    """Times as the first of them are written; where that is not how all are, once more as text."""
    first = native(scan.source, scan, contract)
    yield first
    other = native(scan.source, scan, contract, parsed_times=False)
    if other != first:
        yield other


def _judge(
    rows: _Rows, scan: Scan, contract: Contract, earlier: tuple[Path, ...], connection: duckdb.DuckDBPyConnection
) -> Sound | None:
    in_columns = rows.held is not None
    measured = _in_columns(rows, contract, connection) if in_columns else _in_lines(rows, scan, contract, connection)
    if measured is None or not _holds(measured, contract):
        return None
    if earlier and any(repeats_earlier(rows.relation, unique, earlier, connection) for unique in everywhere(contract)):
        return None
    return Sound(rows.relation, measured.profile)


def _in_columns(rows: _Rows, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Measured | None:
    """None where something may be there twice. What is unique is read by itself: that is cheaper than to hold it."""
    ids = dict[str, ColumnProfile]()
    for unique in contract.uniques:
        different = all_differ(rows.only(unique.columns), unique, connection)
        if different is None:
            return None
        if len(unique.columns) == 1 and unique.columns[0] in contract.id:
            ids[unique.columns[0]] = ColumnProfile(different.rows - different.keys)
    return _measured(rows, contract, connection, tallied=_tallied(rows, contract, connection), ids=ids)


def _in_lines(rows: _Rows, scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Measured | None:
    """None where something may be there twice. Lines are read once, and the hashes of what is unique held meanwhile."""
    if scan.rows * len(contract.uniques) <= memory_mib() * _LISTED:
        with suppress(duckdb.OutOfMemoryException):  # there are more rows than it seemed
            measured = _measured(rows, contract, connection, lists=hashes(contract.uniques))
            held = enumerate(contract.uniques) if measured.sound else ()
            differ = all(differ_in(place, measured.profile.rows, connection) for place, _ in held)
            return measured if differ else None
    measured = _measured(rows, contract, connection)
    asked = contract.uniques if measured.sound else ()
    return measured if all(all_differ(rows.relation, unique, connection) for unique in asked) else None


def _measured(
    rows: _Rows,
    contract: Contract,
    connection: duckdb.DuckDBPyConnection,
    *,
    lists: tuple[str, ...] = (),
    tallied: Mapping[str, ColumnProfile] = _NONE,
    ids: Mapping[str, ColumnProfile] = _NONE,
) -> Measured:
    amiss = [aggregate for column, aggregate in rows.amiss.items() if column not in tallied]
    faults = (*amiss, *_rules(contract))
    return measure(rows.relation, contract, connection, faults, lists, rows.numbers, {**tallied, **ids})


def _rows(file: Path, read: Native, scan: Scan, contract: Contract, outputs: Outputs) -> _Rows:
    is_text = isinstance(scan.source, CsvSource)
    if outputs.keep is not None or (is_text and len(contract.columns) > _COLUMNS):
        outputs.write_rows(read.strict(contract), contract, file)
        kept = f"read_parquet({path(outputs.rows)})"
        return _Rows(kept, outputs.rows, lambda _: kept)

    def only(columns: Collection[str]) -> str:
        cells = tuple(cell for cell in scan.cells if cell.column.name in columns)
        return native(scan.source, replace(scan, cells=cells), contract).relation

    return _Rows(read.relation, None if is_text else scan.source.path, only, read.amiss, read.numbers)


def _tallied(rows: _Rows, contract: Contract, connection: duckdb.DuckDBPyConnection) -> dict[str, ColumnProfile]:
    """What counting their values says of columns of few, where one column can be read without the others."""
    if rows.held is None:
        return {}
    columns = [
        column
        for column in promising(rows.held, contract, connection)
        if column.name not in rows.amiss or column.type is ColumnType.FLOAT
    ]
    counts = tallied(rows.only, columns, connection)
    return {
        column.name: told(column, counts[column.name])
        for column in columns
        if column.name in counts and (column.type not in NUMERIC or all_numbers(counts[column.name]))
    }


def _rules(contract: Contract) -> list[str]:
    """SQL that counts the bad rows which the profile does not tell."""
    patterns = [breaks_pattern(column) for column in contract.columns if column.pattern is not None]
    untold = {*contract.id, *(column.name for column in contract.columns if column.pii)}
    hidden = [rule.condition for rule in rules(contract) if rule.subject in untold and rule.rule in _BY_PROFILE]
    conditions = patterns + hidden + [breaks_check(check) for check in contract.checks]
    return [f"count_if({condition})" for condition in conditions]


def _holds(measured: Measured, contract: Contract) -> bool:
    """Whether the profile alone says that nothing is missing, out of range, or of another value than the listed."""
    if not measured.sound:
        return False
    for column in contract.columns:
        found = measured.profile.columns[column.name]
        if found.nulls and not column.nullable:
            return False
        low, high = column.minimum, column.maximum
        numbers = found.numbers
        if numbers and not ((low is None or numbers.minimum >= low) and (high is None or numbers.maximum <= high)):
            return False
        if column.values and not _listed(measured, column.name, column.values):
            return False
    return True


def _listed(measured: Measured, column: str, values: tuple[str, ...]) -> bool:
    categories = measured.profile.columns[column].categories
    if column in measured.strays:
        return False
    return categories is None or (categories.counts.keys() <= set(values) and not categories.others)
