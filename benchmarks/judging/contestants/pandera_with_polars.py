"""pandera on an eager Polars frame (a lazy one is passed unread), all errors at once; it knows no reference."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.limit_polars import TYPES, scan
from benchmarks.judging.contestants.with_pandera import OLDEST, kinds
from benchmarks.judging.rules import Field, Rules


def judge(task: Task) -> tuple[int, Found]:
    try:
        table = scan(task).collect()
    except pl.exceptions.PolarsError:
        return 0, {r.TYPE: None}
    try:
        schema(task.rules).validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return len(table), kinds(errors)
    return len(table), {}


def schema(rules: Rules) -> pa.DataFrameSchema:
    across = pa.Check(
        lambda data: data.lazyframe.select((pl.col(rules.later) >= pl.col(rules.earlier)).fill_null(True)),
        name=r.ACROSS,
    )
    return pa.DataFrameSchema({field.name: _column(field, rules) for field in rules.fields}, checks=across)


def _column(field: Field, rules: Rules) -> pa.Column:
    checks = []
    if field.low is not None:
        checks.append(pa.Check.in_range(field.low, field.high, name=r.RANGE))
    if field.values:
        checks.append(pa.Check.isin(list(field.values), name=r.CATEGORY))
    if field.pattern:
        checks.append(pa.Check.str_matches(f"^(?:{field.pattern})$", name=r.PATTERN))
    if field.nullable:
        checks.append(pa.Check(_seldom_missing, name=r.MISSING_RATE, ignore_na=False))
    if field.name == rules.earlier:
        checks.append(pa.Check(_recent, name=r.STALE))
    return pa.Column(TYPES[field.kind], checks, nullable=field.nullable, unique=field.unique)


def _seldom_missing(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).is_null().mean() <= r.MAX_MISSING)


def _recent(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).max() >= OLDEST)
