"""The alarms that a deployment is watched by: few, of fixed names, and silent about decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from infra.names import Names
from infra.parts.health import alarm_names
from tests.infra.conftest import Json, Templates

# How the machines end when something of ours or of AWS's is broken; a new end belongs here or to the decisions.
ILL = {
    "ClaimFailed",
    "Failed",
    "FinishFailed",
    "NotDeleted",
    "NotPromoted",
    "NotRolledBack",
    "PrepareFailed",
    "Refused",
    "ReleaseFailed",
    "TimedOut",
    "TransformJobFailed",
}
MODELS = ("diabetes", "tumour")


def _alarms(templates: Templates) -> dict[str, Json]:
    found = templates.resources("AWS::CloudWatch::Alarm").values()
    return {alarm["Properties"]["AlarmName"]: alarm["Properties"] for alarm in found}


def test_a_stage_has_exactly_the_alarms_that_the_pipeline_watches(stages: Mapping[str, Templates]) -> None:
    for stage in ("staging", "prod"):
        assert sorted(_alarms(stages[stage])) == sorted(alarm_names(Names(stage), MODELS))
    assert _alarms(stages["dev"]) == {}, "an alarm costs money, and nobody watches dev"


@pytest.mark.parametrize(("models", "alarms"), [(0, 1), (1, 2), (10, 2), (11, 3), (40, 5)])
def test_ten_endpoints_share_an_alarm(models: int, alarms: int) -> None:
    assert len(alarm_names(Names("prod"), [f"m{number:02}" for number in range(models)])) == alarms


def test_an_alarm_names_every_metric_of_its_expression_and_reads_no_more_than_ten(
    stages: Mapping[str, Templates],
) -> None:
    for alarm in _alarms(stages["prod"]).values():
        expressions = [metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric]
        read = {metric["Id"] for metric in alarm["Metrics"] if "MetricStat" in metric}
        assert len(expressions) == 1
        assert set(re.findall(r"FILL\((\w+),", expressions[0])) == read
        assert 0 < len(read) <= 10
        assert alarm["TreatMissingData"] == "notBreaching"


def test_a_letter_in_any_queue_that_the_reconciler_reads_is_seen(stages: Mapping[str, Templates]) -> None:
    metrics = [m["MetricStat"] for m in _alarms(stages["prod"])["retide-prod-health"]["Metrics"] if "MetricStat" in m]
    depths = [m for m in metrics if m["Metric"]["MetricName"] == "ApproximateNumberOfMessagesVisible"]
    queues = {m["Metric"]["Dimensions"][0]["Value"]["Fn::GetAtt"][0][:8]: m["Stat"] for m in depths}
    assert queues == {"Arrivals": "Maximum", "Failures": "Maximum"}


def test_every_model_is_watched_at_its_own_endpoint(stages: Mapping[str, Templates]) -> None:
    metrics = _alarms(stages["prod"])["retide-prod-endpoints-1"]["Metrics"]
    stats = [metric["MetricStat"]["Metric"] for metric in metrics if "MetricStat" in metric]
    endpoints = {d["Value"] for stat in stats for d in stat["Dimensions"] if d["Name"] == "EndpointName"}
    assert endpoints == {f"retide-prod-{model}" for model in MODELS}
    assert {stat["MetricName"] for stat in stats} == {"Invocation5XXErrors"}


def test_decisions_about_data_and_models_are_no_illness(stages: Mapping[str, Templates]) -> None:
    """Each Fail state of the machines is either a decision or counted: a new one must be put on one side."""
    rules = [r["Properties"] for r in stages["prod"].resources("AWS::Events::Rule").values()]
    seen = [rule for rule in rules if rule["EventPattern"]["source"] == ["aws.states"]]
    (counting,) = [rule for rule in seen if "Targets" not in rule]
    ill = counting["EventPattern"]["detail"]["$or"]
    assert {
        "status": ["FAILED"],
        "error": [{"anything-but": ["Rejected", "Quarantined", "Stopped", "NothingToPredict", "RolledBack"]}],
    } in ill
    assert {"status": ["TIMED_OUT"]} in ill
    errors = {
        error
        for machine in stages["prod"].resources("AWS::StepFunctions::StateMachine").values()
        for error in re.findall(r'"Error": "(\w+)"', machine["Properties"]["DefinitionString"])
    }
    assert errors == {"Rejected", "Quarantined", "Stopped", "NothingToPredict", "RolledBack"} | ILL
