"""whylogs: a profile of a frame and constraints on it; drift as the Hellinger distance from the reference's profile.

Its sketches estimate: that something is unique is only probable. It has no words for two columns of one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd
import whylogs as why
from whylogs.core.constraints import ConstraintsBuilder
from whylogs.core.constraints import factories as told
from whylogs.core.metrics.condition_count_metric import Condition
from whylogs.core.relations import Predicate
from whylogs.core.resolvers import STANDARD_RESOLVER
from whylogs.core.schema import DeclarativeSchema
from whylogs.core.specialized_resolvers import ConditionCountMetricSpec
from whylogs.viz.drift.column_drift_algorithms import Hellinger

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.pandas_frame import frame
from benchmarks.judging.rules import Field, Rules

OLDEST: Final = datetime.fromisoformat(r.ARRIVED) - timedelta(hours=r.MAX_AGE_HOURS)
DRIFT: Final = 0.2


def judge(task: Task) -> tuple[int, Found]:
    rules = task.rules
    try:
        table = frame(task)
    except ValueError:
        return 0, {r.TYPE: None}
    seen, before = _profile(table, rules), why.read(str(task.prepared)).view()
    kinds = set(_broken(rules, seen)) | set(_shifted(rules, seen, before))
    if seen.get_column(rules.earlier).get_metric("distribution").to_summary_dict()["max"] < OLDEST.timestamp():
        kinds.add(r.STALE)
    return len(table), dict.fromkeys(sorted(kinds))


def _profile(table: pd.DataFrame, rules: Rules) -> Any:
    """Times as seconds, for it knows no other."""
    plain = table.copy(deep=False)
    schema = DeclarativeSchema(STANDARD_RESOLVER)
    for field in rules.fields:
        if field.kind == "timestamp":
            plain[field.name] = (plain[field.name] - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
        if field.pattern:
            wanted = {r.PATTERN: Condition(Predicate().fullmatch(field.pattern))}
            schema.add_resolver_spec(column_name=field.name, metrics=[ConditionCountMetricSpec(wanted)])
    return why.log(pandas=plain, schema=schema).profile().view()


def _broken(rules: Rules, seen: Any) -> Iterator[str]:
    for kind, constraint in (pair for field in rules.fields for pair in _of(field)):
        builder = ConstraintsBuilder(dataset_profile_view=seen)
        builder.add_constraint(constraint)
        if not builder.build().validate():
            yield kind


def _of(field: Field) -> Iterator[tuple[str, Any]]:
    if field.nullable:
        yield r.MISSING_RATE, told.null_percentage_below_number(field.name, r.MAX_MISSING)
    else:
        yield r.MISSING_VALUE, told.no_missing_values(field.name)
    if field.low is not None:
        yield r.RANGE, told.is_in_range(field.name, lower=field.low, upper=field.high)
    if field.values:
        yield r.CATEGORY, told.frequent_strings_in_reference_set(field.name, set(field.values))
    if field.pattern:
        yield r.PATTERN, told.condition_meets(field.name, r.PATTERN)
    if field.unique:
        yield r.DUPLICATE, told.column_is_probably_unique(field.name)
    if field.numeric:
        yield r.TYPE, told.column_has_zero_count_types(field.name, ["string"])


def _shifted(rules: Rules, seen: Any, before: Any) -> Iterator[str]:
    for field in rules.drifting:
        score = Hellinger().calculate(seen.get_column(field.name), before.get_column(field.name), with_thresholds=False)
        if score is not None and score.statistic > DRIFT:
            yield r.SHIFT


def prepare(task: Task) -> None:
    _profile(pd.read_parquet(task.reference), task.rules).write(str(task.prepared))
