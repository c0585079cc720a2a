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
from pathlib import Path
from typing import Final

import duckdb

from retide.data.engine import processors
from retide.data.native import Native
from retide.data.parquet import shape
from retide.data.rules import Rule, breaks, untold
from retide.data.statistics import Measured, measure
from retide.data.tally import all_numbers, promising, tallied, told
from retide.data.together import one_by_one, together
from retide.data.uniqueness import all_differ
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract, Unique
from retide.domain.profile import ColumnProfile, Profile

_AT_ONCE: Final = 25  # columns of one aggregate: of more, it takes longer to plan than to read

type Ask = Callable[[duckdb.DuckDBPyConnection], Measured]


@dataclass(frozen=True, slots=True)
class Columns:
    """A Parquet file, and how to read some columns of it, by name: what is read alone is planned far faster."""

    file: Path
    only: Callable[[Collection[str]], Native]


def measured(rows: Columns, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Measured:
    """As `statistics.measure` says it of all columns; not sound also where what is unique may be there twice."""
    amiss = rows.only([column.name for column in contract.columns]).amiss
    many, row_groups = shape(rows.file, connection)
    ask = together if row_groups < processors() else one_by_one
    rules = untold(contract)
    few = [column for column in promising(rows.file, many, contract, connection) if _suits(column, amiss)]
    ids = _plain_ids(amiss, rules, contract)
    others = [column for column in contract.columns if column not in (*few, *ids)]
    asked: list[Ask] = [
        *_groups(rows, others, rules, contract, at_once=_share(others) if ask is together else _AT_ONCE),
        *(partial(_different, rows, unique, ids) for unique in contract.uniques),
        *(partial(_counted, rows, column) for column in few),
    ]
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


def _share(columns: Sequence[Column]) -> int:
    """How many of them are for each processor."""
    return min(_AT_ONCE, max(1, ceil(len(columns) / processors())))


def _groups(
    rows: Columns, columns: Sequence[Column], rules: Sequence[Rule], contract: Contract, at_once: int = _AT_ONCE
) -> Iterator[Ask]:
    """The rules for single rows go where their columns are read anyway, if there is such a group."""
    left = list(rules)
    for some in batched(columns, at_once):
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


def _counted(rows: Columns, column: Column, connection: duckdb.DuckDBPyConnection) -> Measured:
    """Of no column where there are too many values, or numbers that nobody computes with."""
    counts = tallied(rows.only([column.name]).relation, column, connection)
    if counts is None or (column.type in NUMERIC and not all_numbers(counts)):
        return Measured(Profile(0, {}))
    return Measured(Profile(sum(counts.values()), {column.name: told(column, counts)}))


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
