"""TensorFlow Data Validation: statistics of a frame, held to a schema, with drift from the reference's statistics.

It has no words for patterns, for two columns of one row, or for the uniqueness of numbers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.pandas_frame import frame
from benchmarks.judging.rules import Field, Rules

DRIFT: Final = 0.1  # Jensen-Shannon divergence of numbers, L-infinity distance of values
OLDEST: Final = datetime.fromisoformat(r.ARRIVED) - timedelta(hours=r.MAX_AGE_HOURS)
NUMBERS: Final = frozenset({"integer", "float", "timestamp"})
KINDS: Final = {
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": r.MISSING_VALUE,
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": r.CATEGORY,
    "FLOAT_TYPE_SMALL_FLOAT": r.RANGE,
    "FLOAT_TYPE_BIG_FLOAT": r.RANGE,
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": r.SHIFT,
    "COMPARATOR_L_INFTY_HIGH": r.SHIFT,
    "UNEXPECTED_DATA_TYPE": r.TYPE,
}


def judge(task: Task) -> tuple[int, Found]:
    try:
        table = frame(task)
    except ValueError:
        return 0, {r.TYPE: None}
    before, seen = tfdv.load_stats_text(str(task.prepared)), _statistics(table, task.rules)
    anomalies = tfdv.validate_statistics(seen, _schema(task.rules), previous_statistics=before)
    kinds = {_kind(task.rules, name, one) for name, info in anomalies.anomaly_info.items() for one in info.reason}
    if _newest(seen, task.rules) < OLDEST.timestamp():
        kinds.add(r.STALE)
    return len(table), dict.fromkeys(sorted(kinds))


def _statistics(table: pd.DataFrame, rules: Rules) -> Any:
    """Times as seconds, for it knows no other; numbers as floats, for pandas has no whole ones with gaps."""
    plain = table.copy(deep=False)
    for field in rules.fields:
        column = plain[field.name]
        if field.kind == "timestamp":
            plain[field.name] = (column - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
        elif pd.api.types.is_numeric_dtype(column):
            plain[field.name] = column.astype("int64" if field.kind == "boolean" else "float64")
    return tfdv.generate_statistics_from_dataframe(plain, n_jobs=1)


def _schema(rules: Rules) -> Any:
    schema = schema_pb2.Schema()
    for field in rules.fields:
        feature = schema.feature.add(name=field.name, type=_type(field))
        feature.presence.min_fraction = 1 - r.MAX_MISSING if field.nullable else 1.0
        if field.values:
            feature.string_domain.value.extend(field.values)
        if field.low is not None and field.high is not None:
            feature.float_domain.min, feature.float_domain.max = field.low, field.high
    for field in rules.drifting:
        comparator = tfdv.get_feature(schema, field.name).drift_comparator
        measure = comparator.jensen_shannon_divergence if field.numeric else comparator.infinity_norm
        measure.threshold = DRIFT
    return schema


def _type(field: Field) -> Any:
    if field.kind in NUMBERS:
        return schema_pb2.FLOAT
    return schema_pb2.INT if field.kind == "boolean" else schema_pb2.BYTES


def _kind(rules: Rules, path: str, reason: Any) -> str:
    name = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
    kind = KINDS.get(name, f"{name} {path}")
    nullable = {field.name for field in rules.fields if field.nullable}
    return r.MISSING_RATE if kind == r.MISSING_VALUE and path.strip("'") in nullable else kind


def _newest(statistics: Any, rules: Rules) -> float:
    features = statistics.datasets[0].features
    return float(next(one.num_stats.max for one in features if one.path.step[0] == rules.earlier))


def prepare(task: Task) -> None:
    tfdv.write_stats_text(_statistics(pd.read_parquet(task.reference), task.rules), str(task.prepared))
