"""The contract's text form: what is read, what is refused, and that every problem is named with its place."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from retide.domain.contract import Contract, Direction, parse
from retide.domain.reader import ContractError
from tests.unit.churn import CHURN

FULL: Mapping[str, Any] = {
    **CHURN,
    "segments": ["plan"],
    "metric": {"name": "roc_auc", "floor": 0.7},
    "window": {"days": 90},
}


def churn(*changes: tuple[str, object]) -> dict[str, Any]:
    """The contract with dotted paths set; None takes a path out."""
    raw: dict[str, Any] = deepcopy(dict(FULL))
    for path, value in changes:
        *above, last = path.split(".")
        place = raw
        for name in above:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return raw


def problems(raw: object) -> dict[str, str]:
    with pytest.raises(ContractError) as caught:
        parse(raw, "churn")
    found: dict[str, str] = {}
    for problem in caught.value.problems:
        found[problem.path] = " | ".join(filter(None, (found.get(problem.path), problem.message)))
    return found


def test_what_is_written_is_read_and_the_rest_has_defaults() -> None:
    contract = parse(churn(), "churn")
    assert [column.name for column in contract.features] == ["plan", "months", "spend"]
    assert contract.metric.direction is Direction.MAXIMIZE
    assert contract.policy.min_rows == 50
    assert contract.column("spend").maximum is None


def test_a_contract_survives_its_plain_form() -> None:
    contract = parse(churn(("params", {"depth": 3})), "churn")
    assert parse(contract.to_dict(), "churn") == contract


def test_the_digest_ignores_the_layout_and_sees_every_rule() -> None:
    contract = parse(churn(), "churn")
    shuffled = dict(reversed(churn().items()))
    assert parse(shuffled, "churn").digest == contract.digest
    assert parse(churn(("columns.months.max", 601)), "churn").digest != contract.digest


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (("task", "ranking"), "task", "not one of classification, regression"),
        (("target", None), "target", "missing"),
        (("target", "gone"), "target", "not one of the columns"),
        (("target", "spend"), "target", "needs type boolean, category, integer"),
        (("columns.left.nullable", True), "target", "must not be nullable"),
        (("columns.left", {"type": "category", "values": ["yes"]}), "target", "nothing to tell apart"),
        (("columns.months.min", 700), "columns.months.max", "lies below min 700"),
        (("columns.plan.min", 1), "columns.plan.min", "needs type integer or float"),
        (("columns.spend.values", ["a"]), "columns.spend.values", "needs type category"),
        (("columns.plan.values", [True, "pro"]), "columns.plan.values.0", "put it in quotes"),
        (("columns.plan.values", ["pro", "pro"]), "columns.plan.values", "twice"),
        (("columns.months.mim", 1), "columns.months.mim", "is unknown here"),
        (("columns.months", "integer"), "columns.months", "must be a mapping"),
        (("columns.Months", {"type": "float"}), "columns.Months", "only in case"),
        (("columns.__bucket", {"type": "float"}), "columns.__bucket", "cannot be a name here"),
        (("columns", {}), "columns", "is empty"),
        (("id", ["spend"]), "id", "nullable"),
        (("segments", ["seen_at"]), "segments", "a segment needs type"),
        (("event_time", "plan"), "event_time", "must have type timestamp"),
        (("event_time", None), "window.days", "name the column in `event_time`"),
        (("window.batches", 3), "window.days", "not both"),
        (("metric.name", "rmse"), "metric.name", "not one of roc_auc"),
        (("metric.floor", "high"), "metric.floor", "must be a number"),
        (("metric.margin", float("nan")), "metric.margin", "must be a number"),
        (("holdout", 0.9), "holdout", "lies outside 0.05 to 0.5"),
        (("policy.min_rows", 10.5), "policy.min_rows", "whole number"),
        (("policy.approval", "maybe"), "policy.approval", "not one of automatic, manual"),
        (("serving.memory_mib", 1000), "serving.memory_mib", "not one of 1024"),
        (("colour", "red"), "colour", "is unknown here"),
        (("model", "other"), "model", "but its folder is 'churn'"),
    ],
)
def test_each_mistake_is_named_with_its_path(change: tuple[str, object], path: str, words: str) -> None:
    assert words in problems(churn(change))[path]


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(churn(("task", "ranking"), ("holdout", 2), ("columns.months.min", "low")))
    assert {"task", "holdout", "columns.months.min"} <= found.keys()


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_what_is_no_mapping_is_refused_with_words(raw: object) -> None:
    assert "must be a mapping" in problems(raw)[""]


@pytest.mark.parametrize("name", ["Churn", "1churn", "churn_2", "churn-", "", "c" * 32])
def test_a_model_needs_a_name_that_is_safe_everywhere(name: str) -> None:
    with pytest.raises(ContractError, match="lower-case letters"):
        parse(churn(), name)


def test_a_missing_setting_is_told_once() -> None:
    with pytest.raises(ContractError) as caught:
        parse(churn(("metric.name", None)), "churn")
    assert [problem.path for problem in caught.value.problems] == ["metric.name"]


@pytest.mark.parametrize("name", [True, 2026])
def test_a_column_that_yaml_does_not_read_as_text_is_named(name: object) -> None:
    raw = churn()
    raw["columns"][name] = {"type": "float"}
    assert "put it in quotes" in problems(raw)[f"columns.{name}"]


@pytest.mark.parametrize("read", [lambda c: c.column("plan").values, lambda c: c.segments])
def test_a_single_text_stands_for_a_list_of_one(read: Callable[[Contract], tuple[str, ...]]) -> None:
    assert read(parse(churn(("columns.plan.values", "pro"), ("segments", "plan")), "churn")) in {("pro",), ("plan",)}
