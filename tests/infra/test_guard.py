"""The alarms that watch deployments on instances: named as rollouts name them, on the endpoint that they deploy to."""

from __future__ import annotations

from typing import Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.names import Names
from infra.parts.guard import RolloutGuard
from retide.domain.contract import Profile, Serving
from retide.domain.hosting import alarm_names


def alarms(serving: Serving) -> dict[str, Any]:
    """By name, of a model "m" in dev."""
    stack = Stack(App(), "stack")
    RolloutGuard(stack, "Guard", names=Names("dev"), model="m", serving=serving)
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    return {alarm["Properties"]["AlarmName"]: alarm["Properties"] for alarm in found}


def test_every_alarm_that_a_rollout_names_is_deployed_on_the_endpoint_that_it_updates() -> None:
    made = alarms(Serving(profile=Profile.INSTANCE, latency_ms=300, shift_psi=0.1))
    assert tuple(made) == alarm_names("dev", "m")
    for alarm in made.values():
        assert {"Name": "EndpointName", "Value": "retide-dev-m-instances"} in alarm["Dimensions"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_limits_are_those_of_the_contract_in_cloudwatch_s_units() -> None:
    made = alarms(Serving(profile=Profile.INSTANCE, latency_ms=300, shift_psi=0.1))
    assert {name.rpartition("-")[2]: (alarm["MetricName"], alarm["Threshold"]) for name, alarm in made.items()} == {
        "errors": ("Invocation5XXErrors", 0),
        "latency": ("ModelLatency", 300_000),
        "shift": ("PredictionShift", 0.1),
    }
