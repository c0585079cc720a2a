"""Judge a file that is sound in every cell and row, as nearly all are: one pass, and no rule is asked row by row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import duckdb

from retide.data.columnar import Columns, measured
from retide.data.columns import Scan
from retide.data.dialect import CsvSource
from retide.data.engine import beside, memory_mib
from retide.data.leakage import leakage, sampled
from retide.data.native import Native, native, written
from retide.data.outputs import Outputs
from retide.data.parquet import footer
from retide.data.patience import watched
from retide.data.rules import breaks, untold
from retide.data.statistics import Measured, measure
from retide.data.uniqueness import Different, all_differ, differ_in, everywhere, hashes, repeats_earlier
from retide.domain.contract import Contract
from retide.domain.profile import Profile
from retide.domain.verdict import Finding

_COLUMNS: Final = 250  # of a text: of more of them, the aggregates do not fit into the one query that reads it once
_LISTED: Final = 2**13  # hashes for each MiB of memory, of eight bytes, that are held rather than read once more


@dataclass(frozen=True, slots=True)
class Sound:
    """`relation` is SQL for the typed rows; `findings` are about their columns, `hints` about leakage in the first."""

    relation: str
    profile: Profile
    findings: tuple[Finding, ...]
    hints: tuple[Finding, ...]


def judge_sound(
    file: Path,
    scan: Scan,
    contract: Contract,
    earlier: tuple[Path, ...],
    outputs: Outputs,
    connection: duckdb.DuckDBPyConnection,
) -> Sound | None:
    """None where anything at all stands out, or cannot be read this way: then somebody has to look at the rows.

    The typed rows are written to scratch where they are to be kept, and also those of a text of more than 250 columns:
    parsed once, they are read again in groups of columns.
    """
    if scan.absent or (isinstance(scan.source, CsvSource) and scan.source.flaws):
        return None
    for read in _readings(scan, contract):
        try:
            held = _held(file, read, scan, contract, outputs, connection)
            return _judge(read, held, scan, contract, earlier, connection)
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
    read: Native,
    held: Columns | None,
    scan: Scan,
    contract: Contract,
    earlier: tuple[Path, ...],
    connection: duckdb.DuckDBPyConnection,
) -> Sound | None:
    relation = held.whole.relation if held else read.relation
    with watched(connection.cursor()) as other:
        hints = beside(lambda: leakage(sampled(relation, contract, other), contract))
        try:
            found = measured(held, contract, connection) if held else _in_lines(read, scan, contract, connection)
        finally:
            wait((hints,))
    if not found.sound or not _holds(found, contract):
        return None
    if earlier and any(repeats_earlier(relation, unique, earlier, connection) for unique in everywhere(contract)):
        return None
    return Sound(relation, found.profile, scan.findings, hints.result())


def _held(
    file: Path,
    read: Native,
    scan: Scan,
    contract: Contract,
    outputs: Outputs,
    connection: duckdb.DuckDBPyConnection,
) -> Columns | None:
    """None for a text that is read once, line by line."""
    is_text = isinstance(scan.source, CsvSource)
    if outputs.keep is not None or (is_text and len(contract.columns) > _COLUMNS):
        outputs.write_rows(read.strict(contract), contract, file)
        kept = partial(written, outputs.rows)
        return Columns(footer(outputs.rows, connection), kept([column.name for column in contract.columns]), kept)

    def only(names: Collection[str]) -> Native:
        cells = tuple(cell for cell in scan.cells if cell.column.name in names)
        return native(scan.source, replace(scan, cells=cells), contract)

    return Columns(scan.footer, read, only) if scan.footer else None


def _in_lines(read: Native, scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Measured:
    """Lines are read once, and the hashes of what is unique held meanwhile, unless there are too many of them."""
    faults = (*read.amiss.values(), *(breaks(rule) for rule in untold(contract)))
    ask = partial(measure, read.relation, contract, connection, faults, numbers=read.numbers)
    if scan.rows * len(contract.uniques) <= memory_mib() * _LISTED:
        with suppress(duckdb.OutOfMemoryException):  # there are more rows than it seemed
            found = ask(hashes(contract.uniques))
            rows, places = found.profile.rows, range(len(contract.uniques))
            return _unless(found, (differ_in(place, rows, connection) for place in places))
    return _unless(ask(), (all_differ(read.relation, unique, connection) for unique in contract.uniques))


def _unless(found: Measured, different: Iterable[Different | None]) -> Measured:
    """Not sound where something may be there twice; whether it is, is only asked of what is sound so far."""
    return found if not found.sound or all(different) else replace(found, sound=False)


def _holds(measured: Measured, contract: Contract) -> bool:
    """Whether the profile alone says that nothing is missing, out of range, or of another value than the listed."""
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
