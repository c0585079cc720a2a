"""Profile typed rows in one pass, and count what the rules of the contract need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from retide.data.engine import name
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract
from retide.domain.profile import COUNTED, KEPT, Categories, ColumnProfile, Numbers, Profile, edges, keep


@dataclass(frozen=True, slots=True)
class Statistics:
    """A profile, and how many rows of a column break a condition, by (column, rule)."""

    profile: Profile
    broken: Mapping[tuple[str, str], int]


def measure(
    relation: str, contract: Contract, conditions: Mapping[tuple[str, str], str], connection: duckdb.DuckDBPyConnection
) -> Statistics:
    """`relation` is SQL for the typed rows; each condition is SQL that is true for a row that breaks its rule."""
    parts = ["count(*)", *(f"count(*) FILTER ({condition})" for condition in conditions.values())]
    parts += [part for column in contract.columns for part in _aggregates(column)]
    rows, *seen = connection.execute(f"SELECT {', '.join(parts)} FROM {relation}").fetchall()[0]
    broken, rest = seen[: len(conditions)], iter(seen[len(conditions) :])
    columns = {
        column.name: _column(
            column, rows, [next(rest) for _ in _aggregates(column)], _counts(relation, column, connection)
        )
        for column in contract.columns
    }
    return Statistics(Profile(rows, columns), dict(zip(conditions, broken, strict=True)))


def _aggregates(column: Column) -> list[str]:
    value = name(column.name)
    if column.type is ColumnType.TIMESTAMP:
        value = f"epoch({value})"
    elif column.type not in NUMERIC:
        return [f"count({value})"]
    number = f"CAST({value} AS DOUBLE)"
    moments = [f"{kind}({number})" for kind in ("count", "min", "max", "avg", "var_pop")]
    bounds = ", ".join(map(repr, edges(column)))
    return [*moments, f"histogram({number}, [{bounds}]::DOUBLE[])" if bounds else "NULL"]


def _counts(relation: str, column: Column, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    if column.type not in COUNTED:
        return {}
    value = f"CAST({name(column.name)} AS VARCHAR)"
    query = (
        f"SELECT value, rows FROM (SELECT {value} AS value, count(*) AS rows FROM {relation} "
        f"WHERE {value} IS NOT NULL GROUP BY ALL) ORDER BY sha256(value) LIMIT {KEPT}"
    )
    return dict(connection.execute(query).fetchall())


def _column(column: Column, rows: int, seen: list[Any], counts: dict[str, int]) -> ColumnProfile:
    present = seen[0]
    return ColumnProfile(
        nulls=rows - present,
        numbers=_numbers(column, seen) if present and len(seen) > 1 else None,
        categories=_categories(counts, present) if column.type in COUNTED else None,
    )


def _categories(counts: dict[str, int], present: int) -> Categories:
    return keep(counts, present)


def _numbers(column: Column, seen: list[Any]) -> Numbers:
    count, low, high, mean, variance, histogram = seen
    bounds = edges(column)
    bins = tuple(histogram.get(edge, 0) for edge in (*bounds, float("inf"))) if bounds else ()
    return Numbers(count, low, high, mean, variance * count, bounds, bins)
