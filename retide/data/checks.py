"""Hold typed rows to the contract's rules; the rows read here are the very file that will be kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from retide.data.cells import NUMBER
from retide.data.engine import name, text, texts
from retide.data.findings import counted, examples, listed, mend, warning
from retide.data.statistics import Statistics, measure
from retide.domain.contract import Column, Contract, Task
from retide.domain.profile import Profile
from retide.domain.verdict import EXAMPLES, Finding

_ROW: Final = "__row"
SHARE_FROM_ROWS: Final = 10  # below, one missing cell is a large share of nothing


def check(
    rows: Path, contract: Contract, spoilt: frozenset[str], connection: duckdb.DuckDBPyConnection
) -> tuple[Profile, tuple[Finding, ...]]:
    """Apply every rule: a person wants all the reasons at once. In the columns of `spoilt`, NULL says nothing."""
    relation = f"read_parquet({text(rows)})"
    numbered = f"(SELECT {NUMBER} AS {_ROW}, * FROM {relation})"
    conditions = _conditions(contract)
    statistics = measure(relation, contract, conditions, connection)
    broken = [(key, count) for key, count in statistics.broken.items() if count]
    findings = [
        _broken(contract.column(column), rule, count, _first(numbered, column, conditions[column, rule], connection))
        for (column, rule), count in broken
        if not (rule == "required" and column in spoilt)
    ]
    findings += [*_missing(statistics, contract, spoilt), *_repeated(numbered, contract, connection)]
    return statistics.profile, (*findings, *_one_sided(statistics.profile, contract))


def _conditions(contract: Contract) -> dict[tuple[str, str], str]:
    """SQL that is true for a row that breaks the rule, by column and rule."""
    return {(column.name, rule): sql for column in contract.columns for rule, sql in _column_conditions(column)}


def _column_conditions(column: Column) -> Iterator[tuple[str, str]]:
    value = name(column.name)
    if not column.nullable:
        yield "required", f"{value} IS NULL"
    bounds = [f"{value} < {column.minimum!r}"] if column.minimum is not None else []
    bounds += [f"{value} > {column.maximum!r}"] if column.maximum is not None else []
    if bounds:
        yield "range", " OR ".join(bounds)
    if column.values:
        yield "values", f"{value} NOT IN ({texts(column.values)})"


def _first(
    relation: str, column: str, condition: str, connection: duckdb.DuckDBPyConnection
) -> list[tuple[int, object]]:
    query = (
        f"SELECT {_ROW}, CAST({name(column)} AS VARCHAR) FROM {relation} "
        f"WHERE {condition} ORDER BY {_ROW} LIMIT {EXAMPLES}"
    )
    return connection.execute(query).fetchall()


def _broken(column: Column, rule: str, count: int, first: list[tuple[int, object]]) -> Finding:
    match rule:
        case "required":
            expected, seen, advice = "a value in every row", "without one", "Fill them in, or leave these rows out."
        case "range":
            expected, seen, advice = _range(column), "outside", f"Check the unit and the decimal point. {mend(column)}"
        case _:
            expected, seen, advice = f"one of {listed(list(column.values), 30)}", "with another value", mend(column)
    return Finding(rule, column.name, expected, f"{counted(count, 'row')} {seen}", advice, count, examples(first))


def _range(column: Column) -> str:
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"


def _missing(statistics: Statistics, contract: Contract, spoilt: frozenset[str]) -> Iterator[Finding]:
    rows, most = statistics.profile.rows, contract.policy.max_missing
    for column in contract.columns:
        nulls = statistics.profile.columns[column.name].nulls
        if column.nullable and column.name not in spoilt and rows >= SHARE_FROM_ROWS and nulls > most * rows:
            seen = "no value in any row" if nulls == rows else f"{nulls / rows:.0%} missing"
            advice = "Find out why they are not delivered any more; if that is right, raise policy.max_missing."
            yield Finding("missing", column.name, f"at most {most:.0%} missing", seen, advice, nulls)


def _repeated(relation: str, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    if not contract.id:
        return
    keys = ", ".join(map(name, contract.id))
    whole = " AND ".join(f"{name(key)} IS NOT NULL" for key in contract.id)
    query = (
        f"SELECT min({_ROW}), concat_ws(', ', {keys}), count(*) FROM {relation} WHERE {whole} "
        f"GROUP BY {keys} HAVING count(*) > 1"
    )
    count, ids = connection.execute(f"SELECT sum(c), count(*) FROM ({query}) AS repeated(r, v, c)").fetchall()[0]
    if ids:
        first = connection.execute(f"{query} ORDER BY 1 LIMIT {EXAMPLES}").fetchall()
        seen = f"{counted(ids, 'id')} in {counted(int(count), 'row')}"
        advice = "Keep one row for each id; a later file may bring a newer one."
        given = examples([(row, f"{value} ({times} times)") for row, value, times in first])
        yield Finding("unique", ", ".join(contract.id), "each id once in a file", seen, advice, int(count), given)


def _one_sided(profile: Profile, contract: Contract) -> Iterator[Finding]:
    """A file of one class may be honest, so it only warns; that a dataset has no second class is decided later."""
    target = profile.columns[contract.target]
    if contract.task is Task.CLASSIFICATION and target.categories and len(target.categories.counts) == 1:
        (only,) = target.categories.counts
        yield _monotone(contract.target, "two classes or more", f"{only!r} in every row")
    elif target.numbers and target.numbers.minimum == target.numbers.maximum and profile.rows > 1:
        yield _monotone(contract.target, "values that differ", f"{target.numbers.minimum:g} in every row")


def _monotone(target: str, expected: str, seen: str) -> Finding:
    return warning("target", target, expected, seen, "Check that the export was not filtered by its result.")
