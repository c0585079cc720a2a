"""Measure a file that lies in columns: each query reads the columns that it is about alone, for less is planned then.

DuckDB reads a group of rows with one thread: where a file has fewer of them than there are processors, several queries
run at once; else each keeps all processors busy, and two of them would be in each other's way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched
from math import ceil
from typing import Final

import duckdb

from retide.data.engine import processors
from retide.data.native import Native
from retide.data.parquet import Footer
from retide.data.rules import Rule, breaks, untold
from retide.data.statistics import Measured, measure
from retide.data.tally import all_numbers, promising, tallied, told
from retide.data.together import one_by_one, together
from retide.data.uniqueness import all_differ
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract, Unique
from retide.domain.profile import ColumnProfile, Profile

_AT_ONCE: Final = 25  # columns of one query: few enough for several to run at once, and for little memory

type Ask = Callable[[duckdb.DuckDBPyConnection], Measured]


@dataclass(frozen=True, slots=True)
class Columns:
    """A Parquet file by its footer: the whole of it, and only some columns by their names, which is planned faster."""

    footer: Footer
    whole: Native
    only: Callable[[Collection[str]], Native]


def measured(rows: Columns, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Measured:
    """As `statistics.measure` says it of all columns; not sound also where what is unique may be there twice."""
    amiss, rules = rows.whole.amiss, untold(contract)
    few = [column for column in promising(rows.footer, contract) if _suits(column, amiss)]
    ids = _plain_ids(amiss, rules, contract)
    others = [column for column in contract.columns if column not in (*few, *ids)]
    asked: list[Ask] = [
        *(partial(_different, rows, unique, ids) for unique in contract.uniques),
        *(partial(_counted, rows, some) for some in _shares(few, rows)),
        *_groups(rows, others, rules, contract),
    ]
    ask = together if _has_few_groups(rows) else one_by_one
    parts = ask(asked, connection)
    seen = {column for part in parts for column in part.profile.columns}
    left = [column for column in few if column.name not in seen]
    return _joined([*parts, *ask(list(_groups(rows, left, (), contract)), connection)], contract)


def _suits(column: Column, amiss: Collection[str]) -> bool:
    """Whether counting its values tells all: nothing can be amiss with them, or it shows in the values."""
    return column.name not in amiss or column.type is ColumnType.FLOAT


def _plain_ids(amiss: Collection[str], rules: Sequence[Rule], contract: Contract) -> tuple[Column, ...]:
    """Those of which there is nothing to say but that they are there, and once."""
    alone = {unique.columns[0] for unique in contract.uniques if len(unique.columns) == 1}
    held = {name for rule in rules for name in rule.columns}
    return contract.known(name for name in contract.id if name in alone and name not in held and name not in amiss)


def _shares(columns: Sequence[Column], rows: Columns) -> Iterator[Sequence[Column]]:
    """In groups, so that each processor has at least one where several run at once."""
    most = ceil(len(columns) / processors()) if _has_few_groups(rows) else _AT_ONCE
    return batched(columns, max(1, min(_AT_ONCE, most)))


def _has_few_groups(rows: Columns) -> bool:
    """Whether a single query would leave processors idle."""
    return rows.footer.row_groups < processors()


def _groups(rows: Columns, columns: Sequence[Column], rules: Sequence[Rule], contract: Contract) -> Iterator[Ask]:
    """The rules for single rows go where their columns are read anyway, if there is such a group."""
    left = list(rules)
    for some in _shares(columns, rows):
        names = {column.name for column in some}
        mine = [rule for rule in left if names.issuperset(rule.columns)]
        left = [rule for rule in left if rule not in mine]
        yield partial(_group, rows, some, mine, contract)
    if left:
        yield partial(_group, rows, (), left, contract)


def _group(
    rows: Columns,
    columns: Sequence[Column],
    rules: Sequence[Rule],
    contract: Contract,
    connection: duckdb.DuckDBPyConnection,
) -> Measured:
    ruled = (name for rule in rules for name in rule.columns)
    read = rows.only(tuple(dict.fromkeys((*(column.name for column in columns), *ruled))))
    amiss = [read.amiss[column.name] for column in columns if column.name in read.amiss]
    faults = (*amiss, *(breaks(rule) for rule in rules))
    return measure(read.relation, contract, connection, faults, numbers=read.numbers, columns=columns)


def _counted(rows: Columns, columns: Sequence[Column], connection: duckdb.DuckDBPyConnection) -> Measured:
    """Without those of too many values, or of numbers that nobody computes with."""
    counts = tallied(rows.only([column.name for column in columns]).relation, columns, connection)
    profiles = {
        column.name: told(column, counts[column.name])
        for column in columns
        if column.name in counts and (column.type not in NUMERIC or all_numbers(counts[column.name]))
    }
    return Measured(Profile(max((sum(counts[name].values()) for name in profiles), default=0), profiles))


def _different(
    rows: Columns, unique: Unique, ids: Collection[Column], connection: duckdb.DuckDBPyConnection
) -> Measured:
    different = all_differ(rows.only(unique.columns).relation, unique, connection)
    if different is None:
        return Measured(Profile(0, {}), sound=False)
    nulls = ColumnProfile(different.rows - different.keys)
    return Measured(Profile(different.rows, {column.name: nulls for column in ids if unique.columns == (column.name,)}))


def _joined(parts: Sequence[Measured], contract: Contract) -> Measured:
    rows = max(part.profile.rows for part in parts)
    if not rows or not all(part.sound for part in parts):
        return Measured(Profile(rows, {}), sound=False)
    told = {name: column for part in parts for name, column in part.profile.columns.items()}
    profile = Profile(rows, {column.name: told[column.name] for column in contract.columns})
    return Measured(profile, frozenset().union(*(part.strays for part in parts)))
