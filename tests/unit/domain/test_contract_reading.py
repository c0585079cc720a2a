"""The contract's text form: what is read, what is refused, and that every problem is named with its place."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from retide.domain.contract import Contract, Direction, Scope, parse
from retide.domain.contract_distributed import Distributed
from retide.domain.reader import ContractError
from retide.domain.severity import Severity
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
        (("metric.margin", 0), "metric.margin", "leaves a challenger nothing to lose"),
        (("metric.evidence", "better"), "metric.evidence", "not one of non_inferior, superior"),
        (("metric.threshold", "j"), "metric.threshold", "not one of f1, youden: a number will do as well"),
        (("metric.threshold", 1), "metric.threshold", "lies outside 0.001 to 0.999"),
        (("metric.interval", 90), "metric.interval", "lies outside 0.5 to 0.99"),
        (("holdout", 0.9), "holdout", "lies outside 0.05 to 0.5"),
        (("holdout_days", 367), "holdout_days", "lies outside 0 to 366"),
        (("policy.min_rows", 10.5), "policy.min_rows", "whole number"),
        (("format.delimiter", "dot"), "format.delimiter", "not one of ',', ';', '\\t', '|',"),
        (("format.delimiter", "dot"), "format.delimiter", "' ', comma, semicolon, tab, bar, space"),
        (("policy.approval", "maybe"), "policy.approval", "not one of automatic, manual"),
        (("serving.memory_mib", 1000), "serving.memory_mib", "not one of 1024"),
        (("columns.months.pattern", "[0-9]+"), "columns.months.pattern", "needs type category or string"),
        (("columns.customer.pattern", "a(?=b)"), "columns.customer.pattern", "at character 2: RE2 knows groups"),
        (("columns.customer.grows", True), "columns.customer.grows", "needs `values`"),
        (("columns.spend.unique", True), "columns.spend.unique", "needs exact values"),
        (("columns.customer.unique", "world"), "columns.customer.unique", "not one of object, everywhere"),
        (("columns.left.max_missing", 0.1), "target", "must not be nullable"),
        (
            ("columns.months", {"type": "integer", "nullable": False, "max_missing": 0.1}),
            "columns.months.max_missing",
            "`nullable: false` allows none",
        ),
        (("columns.months.max_missing", 1.5), "columns.months.max_missing", "lies outside 0 to 1"),
        (
            ("columns.months.severity", {"type": "warn"}),
            "columns.months.severity.type",
            "`nullable: true` lets it be missing",
        ),
        (("columns.months.severity", {"missing": "quarantine"}), "columns.months.severity.missing", "knows no rows"),
        (("columns.months.severity", {"rnage": "warn"}), "columns.months.severity.rnage", "did you mean range?"),
        (("columns.months.severity", "quarantine"), "columns.months.severity", "policy.reject_rows is 0"),
        (("columns.months.severity", "harsh"), "columns.months.severity", "not one of refuse, quarantine, warn"),
        (("columns.left", {"type": "category", "values": ["a", "b"], "grows": True}), "target", "must not grow"),
        (("columns.left.pii", True), "target", "is pii"),
        (("columns.plan.pii", True), "segments", "is pii"),
        (("columns.seen_at.pii", True), "event_time", "is pii"),
        (("columns.a\u200bb", {"type": "float"}), "columns.a\u200bb", "cannot be seen"),
        (("columns.\uff4donths", {"type": "float"}), "columns.\uff4donths", "how its letters are encoded"),
        (("unique", [{"columns": ["plan", "moths"]}]), "unique.0.columns", "did you mean 'months'?"),
        (("unique", [{"columns": ["plan", "spend"]}]), "unique.0.columns", "unique needs exact values"),
        (("unique", [{"columns": ["plan", "months"]}, {"columns": ["months", "plan"]}]), "unique.1.columns", "twice"),
        (("unique", [{"columns": ["plan"], "severity": "quarantine"}]), "unique.0.severity", "policy.reject_rows is 0"),
        (("unique", {"columns": ["plan"]}), "unique", "must be a list of mappings, not a mapping"),
        (("unique", [{"columns": []}]), "unique.0.columns", "is empty"),
        (("checks", [{"name": "a", "rule": "spend > 'x'"}]), "checks.0.rule", "at character 7: `>` cannot compare"),
        (("checks", [{"name": "a", "rule": "1 > 2"}]), "checks.0.rule", "reads no column"),
        (("checks", [{"name": "a", "rule": "left"}] * 2), "checks.1.name", "is the name of two checks"),
        (("checks", [{"name": "a b", "rule": "left"}]), "checks.0.name", "one looks like delivered_after_order"),
        (("checks", [{"name": "a", "rule": "left", "severity": "quarantine"}]), "checks.0.severity", "reject_rows"),
        (("rows", {"min": 5, "max": 4}), "rows.max", "4 lies below min 5"),
        (("rows.severity", "quarantine"), "rows.severity", "knows no rows to take out"),
        (
            ("sampling", {"rows": 500, "method": "time_decay"}),
            "sampling.half_life_days",
            "is missing: say after how many",
        ),
        (
            ("sampling", {"rows": 500, "half_life_days": 3}),
            "sampling.half_life_days",
            "belongs to `method: time_decay`",
        ),
        (("sampling", {"method": "time_decay", "half_life_days": 3}), "sampling.rows", "say how many rows are taken"),
        (("sampling", {"rows": 5}), "sampling.rows", "5 lies outside 100 to"),
        (("tuning", {"space": {"C": [1, 2]}}), "tuning.candidates", "is 0, so that nothing of the space is ever tried"),
        (("tuning.space", ["C"]), "tuning.space", "must be a mapping of parameters to what is tried of each"),
        (("tuning.space", {"C": 3}), "tuning.space.C", "must be a mapping"),
        (("tuning.space", {"C": []}), "tuning.space.C", "must list 1 to 30 values, not 0"),
        (("tuning.space", {"C": [1, True, 1.0]}), "tuning.space.C", "holds 1.0 twice"),
        (("tuning.space", {"C": [[1]]}), "tuning.space.C.0", "only texts, numbers, true, false and null can be tried"),
        (("tuning.space", {"C": {"min": 1}}), "tuning.space.C.max", "is missing"),
        (("tuning.space", {"C": {"min": 2, "max": 2}}), "tuning.space.C.max", "2 must lie above min 2"),
        (("tuning.space", {"C": {"min": 0, "max": 2, "log": True}}), "tuning.space.C.min", "has no order of magnitude"),
        (("tuning.space", {"C": {"min": 1, "max": 2.5, "integer": True}}), "tuning.space.C", "bounds that are none"),
        (("tuning.space", {1: [1]}), "tuning.space.1", "put it in quotes"),
        (("tuning.space", {f"p{n}": [1] for n in range(31)}), "tuning.space", "has 31 parameters; SageMaker takes 30"),
        (("label.min_share", 0.7), "label.min_share", "lies outside 0 to 0.5"),
        (("drift.psi", -1), "drift.psi", "-1 lies outside 0 and more"),
        (("policy.reject_rows", 2), "policy.reject_rows", "lies outside 0 to 1"),
        (("training.distributed", {"instances": 9}), "training.distributed.instances", "9 lies outside 2 to 8"),
        (("training.distributed", {"rounds": 9}), "training.distributed.instances", "is missing"),
        (
            ("training.distributed", {"instances": 2, "instance_type": "large"}),
            "training.distributed.instance_type",
            "one looks like ml.m5.4xlarge",
        ),
        (("params", {"since": date(2026, 1, 1)}), "params.since", "JSON cannot hold"),
        (("params", {"a": {1: 2}}), "params.a.1", "no name that JSON can hold"),
        (("params", {"a": list(range(10_001))}), "params", "holds more than 10,000 values"),
        (("columns.months.min", 10**5000), "columns.months.min", "must be a number"),
        (("colour", "red"), "colour", "is unknown here"),
        (("model", "other"), "model", "but its folder is 'churn'"),
    ],
)
def test_each_mistake_is_named_with_its_path(change: tuple[str, object], path: str, words: str) -> None:
    assert words in problems(churn(change))[path]


CLUSTER = ("training.distributed", {"instances": 2})


def test_parameters_of_xgboost_are_taken_with_several_instances() -> None:
    contract = parse(churn(CLUSTER, ("params", {"eta": 0.1, "max_depth": 0, "grow_policy": "lossguide"})), "churn")
    assert contract.training.distributed == Distributed(2, 100, None)
    assert parse(contract.to_dict(), "churn") == contract
    assert "distributed" not in parse(churn(), "churn").to_dict()["training"]


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (("training.incremental", True), "training.distributed", "and `incremental` exclude each other"),
        (("tuning.candidates", 3), "training.distributed", "and `tuning` exclude each other"),
        (("params.depth", 3), "params.depth", "it is called max_depth here"),
        (("params.learning_rate", 0.1), "params.learning_rate", "it is called eta here"),
        (("params.n_estimators", 10), "params.n_estimators", "it is called training.distributed.rounds here"),
        (("params.objective", "x"), "params.objective", "known are eta, max_depth"),
        (("params.max_depth", 2.5), "params.max_depth", "must be a whole number of at least 0 and at most 64, not 2.5"),
        (("params.subsample", 0), "params.subsample", "must be a number above 0 and at most 1, not 0"),
        (("params.gamma", True), "params.gamma", "must be a number of at least 0, not true"),
        (("params.grow_policy", "wide"), "params.grow_policy", "must be depthwise or lossguide"),
    ],
)
def test_what_does_not_go_with_several_instances_is_named(change: tuple[str, object], path: str, words: str) -> None:
    assert words in problems(churn(CLUSTER, change))[path]


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


def severity(rule: str, column: str = "", *changes: tuple[str, object]) -> str:
    return parse(churn(*changes), "churn").severity(rule, column).value


ALLOWING = ("policy.reject_rows", 0.02)


@pytest.mark.parametrize(
    ("rule", "column", "changes", "word"),
    [
        ("range", "months", (), "refuse"),
        ("range", "months", (ALLOWING,), "quarantine"),
        ("shape", "", (ALLOWING,), "quarantine"),
        ("check:sane", "", (ALLOWING, ("checks", [{"name": "sane", "rule": "left"}])), "quarantine"),
        ("check:sane", "", (("checks", [{"name": "sane", "rule": "left", "severity": "warn"}]),), "warn"),
        ("range", "months", (("columns.months.severity", {"range": "warn"}),), "warn"),
        ("required", "months", (("columns.months.severity", {"range": "warn"}),), "refuse"),
        ("range", "months", (ALLOWING, ("columns.months.severity", "refuse")), "refuse"),
        ("missing", "spend", (ALLOWING, ("columns.spend.severity", "quarantine")), "refuse"),
        ("missing", "spend", (("columns.spend.severity", "warn"),), "warn"),
        ("type", "spend", (("columns.spend.severity", "warn"),), "refuse"),
        ("unique", "plan, months", (("unique", [{"columns": ["plan", "months"], "severity": "warn"}]),), "warn"),
        ("unique", "customer", (), "refuse"),
        ("columns", "", (ALLOWING,), "refuse"),
        ("reject_rows", "", (ALLOWING,), "refuse"),
        ("drift", "months", (), "warn"),
        ("leakage", "months", (("leakage.severity", "refuse"),), "refuse"),
    ],
)
def test_the_severity_of_a_rule_is_the_nearest_that_is_said(
    rule: str, column: str, changes: tuple[tuple[str, object], ...], word: str
) -> None:
    assert severity(rule, column, *changes) == word


def test_what_is_unique_is_told_once_for_each_set_of_columns() -> None:
    changes = (("columns.customer.unique", "everywhere"), ("unique", [{"columns": ["plan", "months"]}]))
    found = parse(churn(*changes), "churn").uniques
    assert [(unique.label, unique.scope) for unique in found] == [
        ("customer", Scope.EVERYWHERE),
        ("plan, months", Scope.OBJECT),
    ]


def test_a_share_of_missing_values_means_that_they_may_be_missing() -> None:
    contract = parse(churn(("columns.months.max_missing", 0.1)), "churn")
    assert contract.column("months").nullable
    assert (contract.max_missing("months"), contract.max_missing("spend")) == (0.1, 0.5)


def test_a_rule_that_is_switched_off_stays_off_in_the_plain_form() -> None:
    raw = {**churn(), "drift": {"psi": None}}
    contract = parse(raw, "churn")
    assert contract.drift.psi is None
    assert parse(contract.to_dict(), "churn") == contract


def test_what_holds_itself_is_refused_and_not_followed() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "nested more than 10 deep" in str(problems(churn(("params", {"a": endless}))))
    assert "must be text, not a list" in problems(churn(("target", endless)))["target"]


def test_a_contract_of_thousands_of_columns_is_asked_for_each_of_them_quickly() -> None:
    many = {f"column_{i}": {"type": "float", "min": 0} for i in range(3000)}
    raw = churn()
    contract = parse({**raw, "columns": {**raw["columns"], **many}}, "churn")
    words = {contract.severity("range", column.name) for column in contract.columns for _ in range(10)}
    assert words == {Severity.REFUSE}
