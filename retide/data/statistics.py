"""Profile typed rows: one aggregate over all columns, and one for the categories whose values nobody has listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from types import MappingProxyType
from typing import Any, Final

import duckdb

from retide.data import moments
from retide.data.engine import name, text
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract, Task
from retide.domain.profile import COUNTED, KEPT, Categories, ColumnProfile, Numbers, Profile, edges, keep

MEASURED: Final = "measured"
LIST: Final = "list_"
_AS_THEY_ARE: Final[Mapping[str, str]] = MappingProxyType({})
_AT_ONCE: Final = 3_000  # aggregates of one query
_SETS: Final = 16  # columns that are grouped in one pass
LISTED: Final = 32  # values that are counted one by one; more of them are grouped


@dataclass(frozen=True, slots=True)
class Measured:
    """`profile` of all rows (that of a pii column, too), of no column where the rows are not `sound`.

    `strays` names the columns with a value outside the contract's list.
    """

    profile: Profile
    strays: frozenset[str] = frozenset()
    sound: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    """What one column adds to the aggregate: SQL for each of its values.

    Where there is a `centre`, the moments are those about it: the sums of differences, and of their squares.
    """

    column: Column
    edges: tuple[float, ...]
    sql: tuple[str, ...]
    centre: moments.Centre | None = None


def measure(
    relation: str,
    contract: Contract,
    connection: duckdb.DuckDBPyConnection,
    faults: Sequence[str] = (),
    lists: Sequence[str] = (),
    numbers: Mapping[str, str] = _AS_THEY_ARE,
    columns: Sequence[Column] | None = None,
) -> Measured:
    """`relation` is SQL for the typed rows, `faults` SQL for aggregates that are true where a row is not sound.

    `lists` are aggregates that stay in the table MEASURED, in columns called LIST and a number. `numbers` are, by
    column of whole numbers, SQL for them as DOUBLE where the relation has that. Without `columns`, all are profiled.
    """
    columns = contract.columns if columns is None else columns
    parts = [_part(column, contract, numbers) for column in columns]
    (rows, *found), *others = (
        _aggregated(_numbered(relation, some, numbers), sql, () if i else lists, connection)
        for i, (sql, some) in enumerate(_portions(parts, faults))
    )
    broken = [*found, *(value for other in others for value in other)]
    if not rows or any(broken[: len(faults)]):
        return Measured(Profile(rows, {}), sound=False)
    values = iter(broken[len(faults) :])
    grouped = _grouped(relation, [c for c in columns if counted(c, contract) and not few(c)], connection)
    seen = [[next(values) for _ in part.sql] for part in parts]
    exact = _exact(parts, seen, relation, numbers, connection)
    told = {part.column.name: _column(part, rows, found, grouped) for part, found in zip(exact, seen, strict=True)}
    strays = frozenset(part.column.name for part in parts if _has_strays(part.column, told[part.column.name]))
    return Measured(Profile(rows, told), strays)


def _portions(parts: Sequence[_Part], faults: Sequence[str]) -> Iterator[tuple[list[str], list[Column]]]:
    """All that is asked for, in queries that DuckDB plans and reads well, each with the columns that it is about."""
    rows: list[tuple[str, Column | None]] = [(sql, None) for sql in ("count(*)", *faults)]
    wanted = [*rows, *((sql, part.column) for part in parts for sql in part.sql)]
    for some in batched(wanted, _AT_ONCE):
        columns = {column.name: column for _, column in some if column}
        yield [sql for sql, _ in some], list(columns.values())


def _aggregated(
    relation: str, wanted: Sequence[str], lists: Sequence[str], connection: duckdb.DuckDBPyConnection
) -> tuple[Any, ...]:
    if not lists:
        return tuple(connection.execute(f"SELECT {', '.join(wanted)} FROM {relation}").fetchall()[0])
    named = [f"{sql} AS a{i}" for i, sql in enumerate(wanted)] + [f"{sql} AS {LIST}{i}" for i, sql in enumerate(lists)]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {MEASURED} AS SELECT {', '.join(named)} FROM {relation}")
    listed = ", ".join(f"{LIST}{i}" for i in range(len(lists)))
    seen = connection.execute(f"SELECT * EXCLUDE ({listed}) FROM {MEASURED}").fetchall()
    return tuple(seen[0])


def _has_strays(column: Column, found: ColumnProfile) -> bool:
    return found.categories is not None and few(column) and found.categories.others > 0


def counted(column: Column, contract: Contract) -> bool:
    """Whether the profile says how often each value occurs: of what is a category, or one of the classes to predict."""
    label = column.name == contract.target and contract.task is Task.CLASSIFICATION
    return (column.type in COUNTED or label) and not column.pii and column.name not in contract.id


def public(profile: Profile, contract: Contract) -> Profile:
    """The profile without anything of the values of sensitive columns."""
    hidden = {column.name for column in contract.columns if column.pii}
    columns = {name: ColumnProfile(found.nulls) if name in hidden else found for name, found in profile.columns.items()}
    return Profile(profile.rows, columns)


def _part(column: Column, contract: Contract, numbers: Mapping[str, str]) -> _Part:
    value = name(column.name)
    if column.name in contract.id:  # neither moments nor a distribution of ids say anything
        return _Part(column, (), (f"count({value})",))
    if column.type is ColumnType.BOOLEAN:
        return _Part(column, (), (f"count({value})", f"coalesce(count_if({value}), 0)"))  # NULL where all are
    if column.type is ColumnType.TIMESTAMP:
        return _Part(column, (), (f"count({value})", f"epoch(min({value}))", f"epoch(max({value}))"))
    if column.type in NUMERIC:
        centre = moments.centre(column)
        return _Part(column, edges(column), tuple(_numbers_sql(column, _number(column, numbers), centre)), centre)
    listed = tuple(f"count_if({value} = {text(allowed)})" for allowed in column.values) if few(column) else ()
    return _Part(column, (), (f"count({value})", *listed))


def few(column: Column) -> bool:
    """Whether the contract lists all its values, and so few that they are counted one by one."""
    return column.type is ColumnType.BOOLEAN or (0 < len(column.values) <= LISTED and not column.open)


def _numbers_sql(column: Column, number: str, centre: moments.Centre | None) -> Iterator[str]:
    yield from (f"count({number})", f"min({number})", f"max({number})")
    yield from moments.sql(number, centre)
    if bounds := edges(column):
        yield f"histogram({number}, [{', '.join(map(repr, bounds))}]::DOUBLE[])"


def _number(column: Column, numbers: Mapping[str, str]) -> str:
    """SQL for the values as DOUBLE."""
    if column.type is ColumnType.FLOAT:
        return name(column.name)
    return numbers.get(column.name) or name(f"{column.name} as a number")


def _numbered(relation: str, columns: Sequence[Column], numbers: Mapping[str, str]) -> str:
    """With whole numbers of these once more as DOUBLE, so that each is cast once for all that is made of it."""
    whole = [column for column in columns if column.type is ColumnType.INTEGER and column.name not in numbers]
    casts = [f"CAST({name(column.name)} AS DOUBLE) AS {_number(column, numbers)}" for column in whole]
    return f"(SELECT {', '.join(('*', *casts))} FROM {relation})"


def _exact(
    parts: Sequence[_Part],
    seen: Sequence[list[Any]],
    relation: str,
    numbers: Mapping[str, str],
    connection: duckdb.DuckDBPyConnection,
) -> list[_Part]:
    """The parts, without a centre where values lie so far from it that their moments would not be exact: asked anew."""
    exact = list(parts)
    for place, (part, found) in enumerate(zip(parts, seen, strict=True)):
        if part.centre is not None and found[0] and not part.centre.holds(found):
            wanted = moments.sql(_number(part.column, numbers), None)
            rows = _numbered(relation, [part.column], numbers)
            found[moments.PLACE : moments.PLACE + 2] = _aggregated(rows, wanted, (), connection)
            exact[place] = replace(part, centre=None)
    return exact


def _column(part: _Part, rows: int, seen: list[Any], grouped: Mapping[str, dict[str, int]]) -> ColumnProfile:
    present = seen[0]
    return ColumnProfile(
        nulls=rows - present,
        numbers=_numbers(part, seen) if present and _has_numbers(part) else None,
        categories=_categories(part, seen, grouped),
    )


def _categories(part: _Part, seen: list[Any], grouped: Mapping[str, dict[str, int]]) -> Categories | None:
    present, column = seen[0], part.column
    if column.name in grouped:
        return keep(grouped[column.name], present)
    if len(seen) == 1:
        return None
    if column.type is ColumnType.BOOLEAN:
        found = {"false": present - seen[1], "true": seen[1]}
    elif column.type is ColumnType.CATEGORY and not column.pii:
        found = dict(zip(column.values, seen[1:], strict=True))
    else:
        return None
    return keep({value: count for value, count in found.items() if count}, present)


def _has_numbers(part: _Part) -> bool:
    return len(part.sql) > 1 and (part.column.type in NUMERIC or part.column.type is ColumnType.TIMESTAMP)


def _numbers(part: _Part, seen: list[Any]) -> Numbers:
    count, low, high, *rest = seen
    if not rest:  # times
        return Numbers(count, low, high)
    mean, m2 = moments.told(seen, part.centre)
    bins = tuple(rest[2].get(edge, 0) for edge in (*part.edges, float("inf"))) if part.edges else ()
    return Numbers(count, low, high, mean, m2, part.edges, bins)


def _grouped(
    relation: str, columns: Sequence[Column], connection: duckdb.DuckDBPyConnection
) -> dict[str, dict[str, int]]:
    """How often each value of these columns occurs: the KEPT values with the smallest hash of each."""
    found = {column.name: dict[str, int]() for column in columns}
    for start in range(0, len(columns), _SETS):
        some = columns[start : start + _SETS]
        for place, value, rows in connection.execute(_values_of(some, relation)).fetchall():
            found[some[place].name][value] = rows
    return found


def _values_of(columns: Sequence[Column], relation: str) -> str:
    values = ", ".join(f"CAST({name(column.name)} AS VARCHAR) AS g{i}" for i, column in enumerate(columns))
    sets = ", ".join(f"(g{i})" for i in range(len(columns)))
    number = " ".join(f"WHEN grouping(g{i}) = 0 THEN {i}" for i in range(len(columns)))
    value = f"coalesce({', '.join(f'g{i}' for i in range(len(columns)))})"
    query = (
        f"SELECT CASE {number} END AS place, {value} AS value, count(*) AS rows FROM (SELECT {values} FROM {relation}) "
        f"GROUP BY GROUPING SETS ({sets})"
    )
    ranked = "SELECT *, row_number() OVER (PARTITION BY place ORDER BY sha256(value)) AS rank"
    return f"SELECT place, value, rows FROM ({ranked} FROM ({query}) WHERE value IS NOT NULL) WHERE rank <= {KEPT}"
