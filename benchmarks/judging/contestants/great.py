"""Great Expectations on a pandas frame: one suite; drift as the Kullback-Leibler divergence from the reference."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.pandas_frame import frame
from benchmarks.judging.rules import Field, Rules

OLDEST: Final = datetime.fromisoformat(r.ARRIVED).replace(tzinfo=None) - timedelta(hours=r.MAX_AGE_HOURS)
TYPES: Final = {  # pandas' own nullable types go by the names of their classes
    "integer": ["int64", "Int64Dtype", "float64"],
    "float": ["float64"],
    "boolean": ["bool", "BooleanDtype"],
}
KL: Final = 0.25


def judge(task: Task) -> tuple[int, Found]:
    try:
        table = frame(task)
    except ValueError:
        return 0, {r.TYPE: None}
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("tables")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = context.suites.add(gx.ExpectationSuite(name="rules"))
    for kind, expectation in _expectations(task.rules, json.loads(task.prepared.read_text())):
        expectation.meta = {"kind": kind}
        suite.add_expectation(expectation)
    checked = batch.get_batch({"dataframe": table}).validate(suite, result_format="BASIC")
    return len(table), {
        one.expectation_config.meta["kind"]: _row(one.result) for one in checked.results if not one.success
    }


def _row(result: dict[str, Any]) -> int | None:
    rows = result.get("partial_unexpected_index_list") or []
    return int(rows[0]) + 1 if rows and not isinstance(rows[0], dict) else None


def _expectations(rules: Rules, reference: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield (
        r.ACROSS,
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=rules.later, column_B=rules.earlier, or_equal=True, ignore_row_if="either_value_is_missing"
        ),
    )
    yield r.STALE, gxe.ExpectColumnMaxToBeBetween(column=rules.earlier, min_value=OLDEST)
    for field in rules.fields:
        yield from _of(field)
    for field in rules.drifting:
        yield (
            r.SHIFT,
            gxe.ExpectColumnKLDivergenceToBeLessThan(
                column=field.name, partition_object=reference[field.name], threshold=KL, bucketize_data=field.numeric
            ),
        )


def _of(field: Field) -> Iterator[tuple[str, Any]]:
    name = field.name
    if field.kind in TYPES:
        yield r.TYPE, gxe.ExpectColumnValuesToBeInTypeList(column=name, type_list=TYPES[field.kind])
    if field.nullable:
        yield r.MISSING_RATE, gxe.ExpectColumnValuesToNotBeNull(column=name, mostly=1 - r.MAX_MISSING)
    else:
        yield r.MISSING_VALUE, gxe.ExpectColumnValuesToNotBeNull(column=name)
    if field.low is not None:
        yield r.RANGE, gxe.ExpectColumnValuesToBeBetween(column=name, min_value=field.low, max_value=field.high)
    if field.values:
        yield r.CATEGORY, gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(field.values))
    if field.pattern:
        yield r.PATTERN, gxe.ExpectColumnValuesToMatchRegex(column=name, regex=f"^(?:{field.pattern})$")
    if field.unique:
        yield r.DUPLICATE, gxe.ExpectColumnValuesToBeUnique(column=name)


def prepare(task: Task) -> None:
    """The reference as weights: of values, or of the bins between its deciles, open at both ends."""
    table = pd.read_parquet(task.reference)
    known = {field.name: _weights(field, table[field.name].dropna()) for field in task.rules.drifting}
    task.prepared.write_text(json.dumps(known))


def _weights(field: Field, column: Any) -> dict[str, Any]:
    if not field.numeric:
        shares = column.value_counts(normalize=True)
        return {"values": list(shares.index), "weights": list(shares)}
    edges = sorted({float(column.quantile(n / 10)) for n in range(1, 10)})
    bins = pd.cut(column, [-math.inf, *edges, math.inf], right=False).value_counts(normalize=True, sort=False)
    tails = [float(bins.iloc[0]), float(bins.iloc[-1])]
    return {"bins": edges, "weights": [float(share) for share in bins.iloc[1:-1]], "tail_weights": tails}
