"""Deployments in steps on a running cloud: traffic moves as the plan says, alarms are watched, time is the cloud's."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import Bench
from tests.patience import eventually

PAIR: Final[Json] = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
MINUTES: Final = 60


def canary(percent: int = 50, *alarms: str, **members: Any) -> Json:
    routing = {
        "Type": "CANARY",
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": percent},
        "WaitIntervalInSeconds": 5 * MINUTES,
    }
    return guarded(routing, *alarms, **members)


def guarded(routing: Json, *alarms: str, **members: Any) -> Json:
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **members}, **rollback}


def two_versions(bench: Bench, name: str, new: str = "2") -> None:
    """An endpoint on two instances, and the configuration that it is to be updated to."""
    bench.config(f"{name}-1", "1", **PAIR)
    bench.config(f"{name}-2", new, **PAIR)
    bench.endpoint(name, f"{name}-1")


def update(bench: Bench, name: str, deployment: Json) -> None:
    bench.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2", DeploymentConfig=deployment)


def until_baking(bench: Bench, name: str) -> Json:
    def baking() -> Json | None:
        pending = bench.sagemaker.describe_endpoint(EndpointName=name).get("PendingDeploymentSummary", {})
        variants = pending.get("ProductionVariants", [{}])
        return pending if [s["Status"] for s in variants[0].get("VariantStatus", ())] == ["Baking"] else None

    return eventually(baking, f"{name} is baking")


def alarm(bench: Bench, name: str, endpoint: str) -> None:
    bench.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )


def versions(bench: Bench, name: str, count: int = 40) -> Counter[str]:
    return Counter(bench.invoke(name)["version"] for _ in range(count))


def test_a_canary_serves_its_share_until_the_clock_says_that_it_did_well(bench: Bench) -> None:
    two_versions(bench, "canary")

    update(bench, "canary", canary())
    pending = until_baking(bench, "canary")

    assert pending["EndpointConfigName"] == "canary-2"
    assert set(versions(bench, "canary")) == {"1", "2"}
    bench.advance(5 * MINUTES)
    eventually(lambda: set(versions(bench, "canary", 8)) == {"2"}, "the new fleet serves all")
    standing = bench.sagemaker.describe_endpoint(EndpointName="canary")
    assert (standing["EndpointStatus"], standing["EndpointConfigName"]) == ("Updating", "canary-1")
    bench.advance(5 * MINUTES)
    settled = bench.settled("canary")
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "canary-2")
    assert settled["LastDeploymentConfig"] == canary()
    assert "PendingDeploymentSummary" not in settled


def test_errors_of_the_canary_ring_the_alarm_and_all_traffic_goes_back(bench: Bench) -> None:
    two_versions(bench, "failing")
    alarm(bench, "failing-5xx", "failing")
    update(bench, "failing", canary(50, "failing-5xx"))
    until_baking(bench, "failing")

    with pytest.raises(ClientError, match="ModelError"):
        bench.invoke("failing", b"status 500")
    settled = bench.settled("failing")

    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "failing-1")
    assert settled["FailureReason"] == "One or more configured alarm(s) went into ALARM state: [failing-5xx]"
    assert set(versions(bench, "failing")) == {"1"}


def test_the_errors_of_another_endpoint_ring_no_alarm(bench: Bench) -> None:
    two_versions(bench, "innocent")
    bench.config("guilty", "1", **PAIR)
    bench.endpoint("guilty", "guilty")
    alarm(bench, "innocent-5xx", "innocent")
    update(bench, "innocent", canary(50, "innocent-5xx"))
    until_baking(bench, "innocent")
    with pytest.raises(ClientError, match="ModelError"):
        bench.invoke("guilty", b"status 500")

    bench.advance(5 * MINUTES)
    eventually(lambda: set(versions(bench, "innocent", 8)) == {"2"}, "the new fleet serves all")
    bench.advance(5 * MINUTES)

    assert bench.settled("innocent")["EndpointConfigName"] == "innocent-2"


def test_an_alarm_that_is_set_by_hand_rolls_back_while_the_old_fleet_still_stands(bench: Bench) -> None:
    two_versions(bench, "drilled")
    alarm(bench, "drilled-5xx", "drilled")
    at_once = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    update(bench, "drilled", guarded(at_once, "drilled-5xx", TerminationWaitInSeconds=600))
    eventually(lambda: set(versions(bench, "drilled", 4)) == {"2"}, "the new fleet serves all")

    bench.client("cloudwatch").set_alarm_state(AlarmName="drilled-5xx", StateValue="ALARM", StateReason="a drill")

    assert bench.settled("drilled")["EndpointConfigName"] == "drilled-1"
    assert set(versions(bench, "drilled", 8)) == {"1"}


def test_traffic_moves_in_steps_of_a_third(bench: Bench) -> None:
    two_versions(bench, "linear")
    size = {"Type": "CAPACITY_PERCENT", "Value": 40}
    routing = {"Type": "LINEAR", "LinearStepSize": size, "WaitIntervalInSeconds": 60}
    update(bench, "linear", guarded(routing))

    steps = 0
    while bench.sagemaker.describe_endpoint(EndpointName="linear")["EndpointStatus"] == "Updating":
        before = until_baking(bench, "linear")["ProductionVariants"][0]["VariantStatus"][0]["StartTime"]
        steps += 1
        bench.advance(60)
        eventually(partial(has_moved_on, bench, "linear", before), "the next step begins")

    assert steps == 3
    assert set(versions(bench, "linear", 8)) == {"2"}


def has_moved_on(bench: Bench, name: str, since: Any) -> bool:
    pending = bench.sagemaker.describe_endpoint(EndpointName=name).get("PendingDeploymentSummary")
    return not pending or pending["ProductionVariants"][0]["VariantStatus"][0]["StartTime"] != since


def test_a_new_fleet_that_does_not_come_up_gets_no_traffic_at_all(bench: Bench) -> None:
    two_versions(bench, "unborn", "broken")

    update(bench, "unborn", canary())
    settled = bench.settled("unborn")

    assert settled["EndpointConfigName"] == "unborn-1"
    assert "did not pass the ping health check" in settled["FailureReason"]


def test_the_last_deployment_config_can_be_used_again(bench: Bench) -> None:
    two_versions(bench, "retained")
    at_once = guarded({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0})
    update(bench, "retained", at_once)
    bench.settled("retained")

    bench.sagemaker.update_endpoint(
        EndpointName="retained", EndpointConfigName="retained-1", RetainDeploymentConfig=True
    )

    assert bench.settled("retained")["LastDeploymentConfig"] == at_once


REFUSALS: Final = {
    "more than half": (canary(60), "CanarySize must be at most 50%"),
    "no size": (guarded({"Type": "CANARY", "WaitIntervalInSeconds": 1}), "CANARY must have CanarySize"),
    "tiny steps": (
        guarded(
            {
                "Type": "LINEAR",
                "WaitIntervalInSeconds": 1,
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 5},
            }
        ),
        "LinearStepSize must be at least 10%",
    ),
    "unknown alarm": (canary(50, "nobody"), "alarms that do not exist: nobody"),
    "too little time": (canary(50, MaximumExecutionTimeoutInSeconds=600), "must be larger than all waiting"),
    "rolling": (
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                "WaitIntervalInSeconds": 0,
            }
        },
        "NotSupportedByLocalCloud.*RollingUpdatePolicy",
    ),
}


@pytest.fixture(scope="module")
def steady(bench: Bench) -> str:
    two_versions(bench, "steady")
    return "steady"


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_deployment_that_aws_would_refuse_is_refused(bench: Bench, steady: str, case: str) -> None:
    deployment, complaint = REFUSALS[case]

    with pytest.raises(ClientError, match=complaint):
        update(bench, steady, deployment)

    assert bench.sagemaker.describe_endpoint(EndpointName=steady)["EndpointStatus"] == "InService"


def test_a_serverless_endpoint_is_updated_without_guardrails(bench: Bench) -> None:
    bench.config("bare-1")
    bench.config("bare-2", "2")
    bench.endpoint("bare", "bare-1")

    with pytest.raises(ClientError, match="not supported for serverless endpoints"):
        update(bench, "bare", guarded({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}))
