"""Profile typed rows: one aggregate over all columns, and one for the categories whose values nobody has listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, Final

import duckdb

from retide.data import moments
from retide.data.engine import name, text
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract, Task
from retide.domain.profile import COUNTED, KEPT, Categories, ColumnProfile, Numbers, Profile, edges, keep

MEASURED: Final = "measured"
LIST: Final = "list_"
_SQUARES: Final = 4  # where the second moment stands among what is seen of a column of numbers
_AT_ONCE: Final = 1_000  # aggregates of one query
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
    centre: int | None = None


def measure(
    relation: str,
    contract: Contract,
    connection: duckdb.DuckDBPyConnection,
    faults: Sequence[str] = (),
    lists: Sequence[str] = (),
) -> Measured:
    """`relation` is SQL for the typed rows, `faults` SQL that is true for a row that is not sound.

    `lists` are aggregates that stay in the table MEASURED, in columns called LIST and a number.
    """
    parts = [_part(column, contract) for column in contract.columns]
    (rows, *found), *others = (
        _aggregated(_numbered(relation, columns), sql, () if i else lists, connection)
        for i, (sql, columns) in enumerate(_portions(parts, faults))
    )
    broken = [*found, *(value for other in others for value in other)]
    if not rows or any(broken[: len(faults)]):
        return Measured(Profile(rows, {}), sound=False)
    values = iter(broken[len(faults) :])
    grouped = _grouped(relation, [c for c in contract.columns if counted(c, contract) and not _few(c)], connection)
    seen = [[next(values) for _ in part.sql] for part in parts]
    exact = _exact(parts, seen, relation, connection)
    columns = {part.column.name: _column(part, rows, found, grouped) for part, found in zip(exact, seen, strict=True)}
    strays = frozenset(part.column.name for part in parts if _has_strays(part.column, columns[part.column.name]))
    return Measured(Profile(rows, columns), strays)


def _portions(parts: Sequence[_Part], faults: Sequence[str]) -> Iterator[tuple[list[str], list[Column]]]:
    """All that is asked for, in queries that DuckDB plans and reads well, each with the columns that it is about."""
    rows: list[tuple[str, Column | None]] = [(sql, None) for sql in ("count(*)", *map("count_if({})".format, faults))]
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
    seen = connection.execute(f"SELECT {', '.join(f'a{i}' for i in range(len(wanted)))} FROM {MEASURED}").fetchall()
    return tuple(seen[0])


def _has_strays(column: Column, found: ColumnProfile) -> bool:
    return found.categories is not None and _few(column) and found.categories.others > 0


def counted(column: Column, contract: Contract) -> bool:
    """Whether the profile says how often each value occurs: of what is a category, or one of the classes to predict."""
    label = column.name == contract.target and contract.task is Task.CLASSIFICATION
    return (column.type in COUNTED or label) and not column.pii and column.name not in contract.id


def public(profile: Profile, contract: Contract) -> Profile:
    """The profile without anything of the values of sensitive columns."""
    hidden = {column.name for column in contract.columns if column.pii}
    columns = {name: ColumnProfile(found.nulls) if name in hidden else found for name, found in profile.columns.items()}
    return Profile(profile.rows, columns)


def _part(column: Column, contract: Contract) -> _Part:
    value = name(column.name)
    if column.name in contract.id:  # neither moments nor a distribution of ids say anything
        return _Part(column, (), (f"count({value})",))
    if column.type is ColumnType.BOOLEAN:
        true = f"count({value}) FILTER ({value})"  # count_if is NULL where all are
        return _Part(column, (), (f"count({value})", true))
    if column.type is ColumnType.TIMESTAMP:
        return _Part(column, (), (f"count({value})", f"epoch(min({value}))", f"epoch(max({value}))"))
    if column.type in NUMERIC:
        centre = moments.centre(column)
        return _Part(column, edges(column), tuple(_numbers_sql(column, centre)), centre)
    listed = tuple(f"count_if({value} = {text(allowed)})" for allowed in column.values) if _few(column) else ()
    return _Part(column, (), (f"count({value})", *listed))


def _few(column: Column) -> bool:
    return column.type is ColumnType.BOOLEAN or (0 < len(column.values) <= LISTED and not column.open)


def _numbers_sql(column: Column, centre: int | None) -> Iterator[str]:
    value, number = name(column.name), _number(column)
    yield from (f"count({value})", f"CAST(min({value}) AS DOUBLE)", f"CAST(max({value}) AS DOUBLE)")
    yield from moments.sql(number, centre)
    if bounds := edges(column):
        yield f"histogram({number}, [{', '.join(map(repr, bounds))}]::DOUBLE[])"


def _number(column: Column) -> str:
    return name(f"{column.name} as a number")


def _numbered(relation: str, columns: Sequence[Column]) -> str:
    """With every number of these once more as DOUBLE, so that it is cast once for all that is made of it."""
    numbers = [column for column in columns if column.type in NUMERIC]
    casts = [f"CAST({name(column.name)} AS DOUBLE) AS {_number(column)}" for column in numbers]
    return f"(SELECT {', '.join(('*', *casts))} FROM {relation})"


def _exact(
    parts: Sequence[_Part],
    seen: Sequence[list[Any]],
    relation: str,
    connection: duckdb.DuckDBPyConnection,
) -> list[_Part]:
    """The parts, without a centre where values lie so far from it that their sums are not exact: asked for anew."""
    exact = list(parts)
    for place, (part, found) in enumerate(zip(parts, seen, strict=True)):
        if part.centre is not None and found[0] and found[_SQUARES] >= moments.EXACT:
            wanted = moments.sql(_number(part.column), None)
            found[_SQUARES - 1 : _SQUARES + 1] = _aggregated(_numbered(relation, [part.column]), wanted, (), connection)
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
