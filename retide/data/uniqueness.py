"""What no two rows may share: told exactly, by hashes where all differ, and by the values where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Final

import duckdb

from retide.data.engine import name, path, text
from retide.data.stage import ROW
from retide.data.statistics import LIST, MEASURED
from retide.domain.contract import Contract, Scope, Unique

_HASHES: Final = "hashes"
_PART: Final = 2**18  # rows whose hashes are compared at once, as long as these are no more than so many parts:
_PARTS: Final = 8
_AT_ONCE: Final = 2
_MARK: Final = "coalesce(strlen({0}) || ':' || {0}, '-')"


@dataclass(frozen=True, slots=True)
class Different:
    """No two of the `keys` that are whole are the same, in so many `rows`."""

    keys: int
    rows: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """What is shared by rows: `keys` different ones in `rows` rows, the first of them as (row, value, times)."""

    unique: Unique
    keys: int
    rows: int
    first: tuple[tuple[int, str, int], ...]


def hashed(unique: Unique) -> str:
    """SQL for 64 bits of a key, NULL where a part of it is missing: different keys differ in it, save by accident."""
    return f"CASE WHEN {whole(unique)} THEN hash({', '.join(map(name, unique.columns))}) END"


def whole(unique: Unique) -> str:
    return " AND ".join(f"{name(column)} IS NOT NULL" for column in unique.columns)


def all_differ(relation: str, unique: Unique, connection: duckdb.DuckDBPyConnection) -> Different | None:
    """Different hashes are different keys: they surely are. None may be an accident, and is looked into by value."""
    query = f"CREATE OR REPLACE TEMP TABLE {_HASHES} AS SELECT {hashed(unique)} AS h FROM {relation}"
    (rows,) = connection.execute(query).fetchall()[0]
    different = _differ(f"{_HASHES}", rows, connection)
    connection.execute(f"DROP TABLE {_HASHES}")
    return different


def _differ(hashes: str, rows: int, connection: duckdb.DuckDBPyConnection) -> Different | None:
    """In parts, two at a time for two threads: each has its hashes in little memory."""
    parts, found = min(_PARTS, 1 << (rows // _PART).bit_length()), 0
    for some in batched(range(parts), _AT_ONCE):
        of_each = (
            f"SELECT count(h) AS n, count(DISTINCT h) AS d FROM {hashes} WHERE h & {parts - 1} = {part}"
            for part in some
        )
        query = f"SELECT sum(n), bool_and(n = d) FROM ({' UNION ALL '.join(of_each)})"
        keys, differ = connection.execute(query).fetchall()[0]
        if not differ:
            return None
        found += int(keys)
    return Different(found, rows)


def hashes(uniques: Sequence[Unique]) -> tuple[str, ...]:
    """Aggregates that hold the hashes of all keys, eight bytes for each row: for files that are not read twice."""
    return tuple(f"list({hashed(unique)})" for unique in uniques)


def differ_in(place: int, rows: int, connection: duckdb.DuckDBPyConnection) -> Different | None:
    """As `all_differ`, over one of the lists that were kept with what was measured of so many rows."""
    return _differ(f"(SELECT unnest({LIST}{place}) AS h FROM {MEASURED})", rows, connection)


def repeats(relation: str, unique: Unique, most: int, connection: duckdb.DuckDBPyConnection) -> Repeats | None:
    """By value; `relation` has numbered rows. None where all differ."""
    keys = ", ".join(map(name, unique.columns))
    query = (
        f"SELECT min({ROW}) AS r, concat_ws(', ', {keys}) AS v, count(*) AS c FROM {relation} WHERE {whole(unique)} "
        f"GROUP BY {keys} HAVING count(*) > 1"
    )
    rows, different = connection.execute(f"SELECT sum(c), count(*) FROM ({query})").fetchall()[0]
    if not different:
        return None
    first = connection.execute(f"{query} ORDER BY r LIMIT {most}").fetchall()
    return Repeats(unique, different, int(rows), tuple(first))


def later_ones(relation: str, unique: Unique) -> str:
    """SQL for the numbers of the rows that repeat what an earlier row has."""
    keys = ", ".join(map(name, unique.columns))
    ranked = f"SELECT {ROW}, row_number() OVER (PARTITION BY {keys} ORDER BY {ROW}) AS n FROM {relation}"
    return f"SELECT {ROW} FROM ({ranked} WHERE {whole(unique)}) WHERE n > 1"


def everywhere(contract: Contract) -> tuple[Unique, ...]:
    return tuple(unique for unique in contract.uniques if unique.scope is Scope.EVERYWHERE)


def key(unique: Unique) -> str:
    """SQL for the columns `rule`, `upper` and `lower`: md5 over the values of the key, each after its length."""
    content = ", ".join(_MARK.format(f"CAST({name(column)} AS VARCHAR)") for column in unique.columns)
    digest = f"concat({content})"
    halves = f"list_transform([md5_number({digest})], lambda n: [n >> 64, n & {2**64 - 1}])[1]"
    return f"{text(unique.label)} AS rule, CAST({halves}[1] AS UBIGINT) AS upper, CAST({halves}[2] AS UBIGINT) AS lower"


def write_keys(relation: str, uniques: Sequence[Unique], target: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """The keys of these rows, sorted, for the objects that come later."""
    parts = " UNION ALL ".join(f"SELECT {key(unique)} FROM {relation} WHERE {whole(unique)}" for unique in uniques)
    connection.execute(f"COPY ({parts} ORDER BY rule, upper, lower) TO {path(target)} (FORMAT parquet)")


def repeats_earlier(
    relation: str, unique: Unique, earlier: Sequence[Path], connection: duckdb.DuckDBPyConnection
) -> bool:
    """Whether any row has a key of an earlier object."""
    mine = f"(SELECT {key(unique)} FROM {relation} WHERE {whole(unique)})"
    query = f"SELECT count(*) FROM {mine} SEMI JOIN {_known(unique, earlier)} USING (upper, lower)"
    return bool(connection.execute(query).fetchall()[0][0])


def seen_before(relation: str, unique: Unique, earlier: Sequence[Path]) -> str:
    """SQL for number and value of the rows whose key is one of those of earlier objects; `relation` is numbered."""
    value = f"concat_ws(', ', {', '.join(map(name, unique.columns))})"
    found = f"(SELECT {ROW}, {value} AS value, {key(unique)} FROM {relation} WHERE {whole(unique)})"
    return f"SELECT {ROW}, value FROM {found} SEMI JOIN {_known(unique, earlier)} USING (upper, lower)"


def _known(unique: Unique, earlier: Sequence[Path]) -> str:
    files = ", ".join(path(file) for file in earlier)
    return f"(SELECT upper, lower FROM read_parquet([{files}]) WHERE rule = {text(unique.label)})"
