"""pandera on a pandas frame, all errors at once; it knows no reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pandera.pandas as pa

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.pandas_frame import frame
from benchmarks.judging.contestants.with_pandera import OLDEST, kinds
from benchmarks.judging.rules import Field, Rules


def judge(task: Task) -> tuple[int, Found]:
    try:
        table = frame(task)
    except ValueError:
        return 0, {r.TYPE: None}
    try:
        schema(task.rules).validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return len(table), kinds(errors)
    return len(table), {}


def schema(rules: Rules) -> pa.DataFrameSchema:
    across = pa.Check(
        lambda table: table[rules.later].isna() | (table[rules.later] >= table[rules.earlier]), name=r.ACROSS
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
        checks.append(pa.Check(lambda times: times.max() >= OLDEST, name=r.STALE))
    return pa.Column(
        None, [*checks, pa.Check(_typed(field), name=r.TYPE)], nullable=field.nullable, unique=field.unique
    )


def _typed(field: Field) -> Callable[[Any], bool]:
    """By kind, for pandas holds whole numbers with gaps, and texts, in several types."""
    of_kind = {
        "integer": pd.api.types.is_integer_dtype,
        "float": pd.api.types.is_float_dtype,
        "boolean": pd.api.types.is_bool_dtype,
        "category": pd.api.types.is_string_dtype,
        "string": pd.api.types.is_string_dtype,
        "timestamp": pd.api.types.is_datetime64_any_dtype,
    }
    return of_kind[field.kind]


def _seldom_missing(column: pd.Series[Any]) -> bool:
    return bool(column.isna().mean() <= r.MAX_MISSING)
