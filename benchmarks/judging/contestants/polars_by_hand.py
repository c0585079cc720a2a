"""Polars by hand: every rule in one lazy query, exact uniqueness, a summary, and PSI over the reference's deciles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.by_hand import findings, psi, steps
from benchmarks.judging.contestants.limit_polars import scan
from benchmarks.judging.rules import PSI, Field, Rules

NUMBERS = ("min", "max", "mean", "std")


def judge(task: Task) -> tuple[int, Found]:
    rules, reference = task.rules, json.loads(task.prepared.read_text())
    table = scan(task)
    try:
        one, *groups = pl.collect_all([_query(table, rules, reference), *_groups(table, rules)], engine="streaming")
    except pl.exceptions.PolarsError:
        return 0, {"type": None}
    seen = one.row(0, named=True)
    spread = {field.name: _spread(field, seen, groups, reference) for field in rules.drifting}
    shifted = [name for name, now in spread.items() if psi(reference[name]["counts"], now) > PSI]
    return seen["rows"], findings(rules, seen, shifted)


def _query(table: pl.LazyFrame, rules: Rules, reference: dict[str, Any]) -> pl.LazyFrame:
    parts = [pl.len().alias("rows"), (pl.col(rules.later) < pl.col(rules.earlier)).sum().alias("across")]
    for field in rules.fields:
        parts += [part.alias(f"{field.name} {name}") for name, part in _checks(field)]
    for field in rules.drifting:
        column = pl.col(field.name)
        parts += [
            (column <= edge).sum().alias(f"{field.name} below {n}")
            for n, edge in enumerate(reference[field.name].get("edges", ()))
        ]
    return table.select(parts)


def _checks(field: Field) -> Iterator[tuple[str, pl.Expr]]:
    column = pl.col(field.name)
    yield "nulls", column.null_count()
    if field.kind == "timestamp":
        yield "max", column.max()
    if field.numeric:
        yield from ((name, getattr(column, name)()) for name in NUMBERS)
    if field.low is not None:
        yield "range", ((column < field.low) | (column > field.high)).sum()
    if field.values:
        yield "values", column.is_in(list(field.values)).not_().sum()
    if field.pattern:
        yield "pattern", column.str.contains(f"^(?:{field.pattern})$").not_().sum()
    if field.unique:
        yield "distinct", column.n_unique()


def _groups(table: pl.LazyFrame, rules: Rules) -> list[pl.LazyFrame]:
    return [table.group_by(field.name).len() for field in rules.drifting if not field.numeric]


def _spread(
    field: Field, seen: dict[str, Any], groups: list[pl.DataFrame], reference: dict[str, Any]
) -> dict[str, int]:
    if not field.numeric:
        (group,) = (group for group in groups if group.columns[0] == field.name)
        return {str(value): rows for value, rows in group.iter_rows() if value is not None}
    below = [seen[f"{field.name} below {n}"] for n in range(len(reference[field.name]["edges"]))]
    return steps(below, seen["rows"] - seen[f"{field.name} nulls"])


def prepare(task: Task) -> None:
    table = pl.read_parquet(task.reference)
    known: dict[str, Any] = {}
    for field in task.rules.drifting:
        column = table[field.name].drop_nulls()
        if field.numeric:
            edges = sorted({float(column.quantile(n / 10) or 0) for n in range(1, 10)})
            below = [int((column <= edge).sum()) for edge in edges]
            known[field.name] = {"edges": edges, "counts": steps(below, len(column))}
        else:
            known[field.name] = {"counts": dict(column.value_counts().iter_rows())}
    task.prepared.write_text(json.dumps(known))
