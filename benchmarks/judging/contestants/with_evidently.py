"""evidently: one report with a test for every rule, and drift as PSI from the reference, which it takes as rows.

For patterns, uniqueness, two columns of one row and age it has no words: they are columns that pandas computes for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import MaxValue, MissingValueCount, OutListValueCount, OutRangeValueCount, ValueDrift
from evidently.presets import DataSummaryPreset
from evidently.tests import eq, lte

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.pandas_frame import frame
from benchmarks.judging.rules import Field, Rules

OLDEST: Final = datetime.fromisoformat(r.ARRIVED).replace(tzinfo=None) - timedelta(hours=r.MAX_AGE_HOURS)
COMPUTED: Final = (r.PATTERN, r.DUPLICATE, r.ACROSS, r.STALE)
KINDS: Final = {"OutRangeValueCount": r.RANGE, "OutListValueCount": r.CATEGORY, "ValueDrift": r.SHIFT}


def judge(task: Task) -> tuple[int, Found]:
    rules = task.rules
    try:
        table = frame(task)
    except ValueError:
        return 0, {r.TYPE: None}
    if not all(pd.api.types.is_numeric_dtype(table[field.name]) for field in rules.fields if field.numeric):
        return len(table), {r.TYPE: None}
    report = Report([DataSummaryPreset(), *_tests(rules)])
    seen = report.run(_dataset(table, rules), _dataset(pd.read_parquet(task.reference), rules)).dict()["tests"]
    failed = (test["metric_config"]["params"] for test in seen if test["status"].value == "FAIL")
    return len(table), dict.fromkeys(sorted({_kind(rules, params) for params in failed}))


def _dataset(table: pd.DataFrame, rules: Rules) -> Any:
    table = table.copy(deep=False)
    (patterned,) = (field for field in rules.fields if field.pattern)
    table[r.PATTERN] = (~table[patterned.name].str.fullmatch(patterned.pattern)).astype("int64")
    table[r.DUPLICATE] = table[rules.unique].duplicated().astype("int64")
    table[r.ACROSS] = (table[rules.later] < table[rules.earlier]).astype("int64")
    table[r.STALE] = int(table[rules.earlier].max() < OLDEST)
    numbers = [field.name for field in rules.fields if field.numeric]
    values = [field.name for field in rules.fields if field.kind in {"category", "boolean"}]
    times = [field.name for field in rules.fields if field.kind == "timestamp"]
    kinds = DataDefinition(
        numerical_columns=[*numbers, *COMPUTED], categorical_columns=values, datetime_columns=times, text_columns=[]
    )
    return Dataset.from_pandas(table, data_definition=kinds)


def _tests(rules: Rules) -> Iterator[Any]:
    for name in COMPUTED:
        yield MaxValue(column=name, tests=[eq(0)])
    for field in rules.fields:
        yield from _of(field)
    for field in rules.drifting:
        yield ValueDrift(column=field.name, method="psi", threshold=r.PSI, tests=[lte(r.PSI)])


def _of(field: Field) -> Iterator[Any]:
    if field.nullable:
        yield MissingValueCount(column=field.name, share_tests=[lte(r.MAX_MISSING)])
    else:
        yield MissingValueCount(column=field.name, tests=[eq(0)])
    if field.low is not None:
        yield OutRangeValueCount(column=field.name, left=field.low, right=field.high, tests=[eq(0)])
    if field.values:
        yield OutListValueCount(column=field.name, values=list(field.values), tests=[eq(0)])


def _kind(rules: Rules, params: dict[str, Any]) -> str:
    name, column = params["type"].rpartition(":")[2], params["column"]
    if name == "MaxValue":
        return str(column)
    if name == "MissingValueCount":
        nullable = {field.name for field in rules.fields if field.nullable}
        return r.MISSING_RATE if column in nullable else r.MISSING_VALUE
    return KINDS.get(name, f"{name} {column}")
