"""Hint at features that give the target away: one that equals it, or tells it in nearly every row of a sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import duckdb

from retide.data.engine import name
from retide.domain.contract import NUMERIC, Column, Contract, Task
from retide.domain.verdict import Finding

SAMPLE: Final = 10_000  # the first rows
LEAST: Final = 100  # of fewer rows, chance alone makes a copy of the target
_BINS: Final = 200
_TABLE: Final = "leakage_sample"


def leakage(relation: str, contract: Contract, connection: duckdb.DuckDBPyConnection) -> tuple[Finding, ...]:
    """For a class, the share of rows that are right when each value of the feature answers with its usual class.

    For a number, the part of the target's variance that is between the values of the feature, those of numbers in bins.
    Only what is more than always giving the usual answer counts: 0 says nothing, 1 gives the target away.
    """
    features = [column for column in contract.features if not column.pii]
    if contract.leakage.limit is None or not features:
        return ()
    columns = ", ".join(name(column.name) for column in (*features, contract.column(contract.target)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS SELECT {columns} FROM {relation} LIMIT {SAMPLE}")
    found = tuple(_hints(features, contract, connection))
    connection.execute(f"DROP TABLE {_TABLE}")
    return found


def _hints(features: Sequence[Column], contract: Contract, connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    limit = contract.leakage.limit or 1.0
    for column, told in zip(features, _told(features, contract, connection), strict=True):
        if told is not None and told >= limit:
            expected = f"no single feature that tells {contract.target!r} (less than {limit:.0%} of what is to be told)"
            advice = "Is it known before the target is? If not, leave it out of the features (feature: false)."
            severity = contract.severity("leakage")
            yield Finding("leakage", column.name, expected, f"{told:.1%} of it", advice, severity=severity)


def _told(features: Sequence[Column], contract: Contract, connection: duckdb.DuckDBPyConnection) -> list[float | None]:
    target = name(contract.target)
    (rows,) = connection.execute(f"SELECT count({target}) FROM {_TABLE}").fetchall()[0]
    if rows < LEAST:
        return [None] * len(features)
    told = _classes if contract.task is Task.CLASSIFICATION else _variance
    return [connection.execute(told(_value(column), target)).fetchall()[0][0] for column in features]


def _value(column: Column) -> str:
    """Numbers are cut into bins of about as many rows, equal ones into the same: a bin for each row tells anything."""
    value = name(column.name)
    binned = f"(rank() OVER (ORDER BY {value}) - 1) * {_BINS} // count(*) OVER ()"
    return binned if column.type in NUMERIC else value


def _classes(value: str, target: str) -> str:
    pairs = f"SELECT v, t, count(*) AS n FROM (SELECT {value} AS v, {target} AS t FROM {_TABLE}) GROUP BY v, t"
    usual = f"SELECT max(n) FROM (SELECT count(*) AS n FROM {_TABLE} GROUP BY {target})"
    right = f"SELECT sum(m) AS hits, count(*) AS n FROM (SELECT max(n) AS m FROM ({pairs}) GROUP BY v)"
    rows = f"(SELECT count(*) FROM {_TABLE})"
    few = f"n <= {rows} / 10"
    return f"SELECT CASE WHEN {few} THEN (hits - ({usual})) / nullif({rows} - ({usual}), 0) END FROM ({right})"


def _variance(value: str, target: str) -> str:
    pairs = f"SELECT {value} AS v, CAST({target} AS DOUBLE) AS t FROM {_TABLE}"
    groups = f"SELECT avg(t) AS m, count(t) AS n FROM ({pairs}) GROUP BY v"
    few = f"count(*) <= (SELECT count(*) FROM {_TABLE}) / 10"
    whole = f"(SELECT nullif(var_pop(CAST({target} AS DOUBLE)), 0) FROM {_TABLE})"
    mean = f"(SELECT avg(CAST({target} AS DOUBLE)) FROM {_TABLE})"
    return f"SELECT CASE WHEN {few} THEN sum(n * (m - {mean}) ** 2) / sum(n) / {whole} END FROM ({groups})"
