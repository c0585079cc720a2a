"""The rollout machine's own states: endpoints that serve nothing are deleted, trials begin and end, updates follow."""

from __future__ import annotations

import json
from typing import Final

import pytest
from botocore.exceptions import ClientError

from infra.workflows import Workflow
from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import ROLE, Bench
from tests.contract.local_sagemaker.test_tasks import finish
from tests.patience import eventually

ENDS: Final = ("Check rollout", "Clean up", "Finish failed rollout")


def roll_out(bench: Bench, name: str, start: str, known: Json) -> Json:
    """Run the machine from one state on, to the states that call functions: the execution as it ended."""
    states = json.loads(Workflow.load("rollout").definition.replace("${ServingRoleArn}", ROLE))["States"]
    states["Check trial"] = {"Type": "Pass", "Next": "Delete trial endpoint"}  # `known` says how it ends
    states |= {end: {"Type": "Pass", "Result": end, "ResultPath": "$.end", "End": True} for end in ENDS}
    reached = {start}
    while len(reached) < len(reached := reached | {after for one in reached for after in _next(states[one])}):
        pass
    definition = {"StartAt": start, "States": {one: states[one] for one in reached}}
    machine = bench.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    begun = bench.states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(known))
    output: Json = json.loads(finish(bench, begun["executionArn"])["output"])
    return output


def _next(state: Json) -> set[str]:
    ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    return {way[key] for way in ways for key in ("Next", "Default") if key in way}


def rollout(endpoint: str, config: str) -> Json:
    known = {
        "endpoint": endpoint,
        "name": config,
        "exists": True,
        "alive": False,
        "previous_config": "",
        "profile": "serverless",
        "guarded": False,
        "retyped": False,
    }
    return {"rollout": {**known, "poll_seconds": 1}}


def test_an_endpoint_that_failed_is_deleted_and_made_again(bench: Bench) -> None:
    bench.config("dead-1", "broken")
    assert bench.endpoint("dead", "dead-1")["EndpointStatus"] == "Failed"
    bench.config("dead-2")
    output = roll_out(bench, "again", "Endpoint exists?", rollout("dead", "dead-2"))
    assert (output["end"], output["endpoint"]["status"]) == ("Check rollout", "InService")
    assert bench.sagemaker.describe_endpoint(EndpointName="dead")["EndpointConfigName"] == "dead-2"


def test_an_endpoint_that_is_given_up_is_gone_when_the_rollout_ends(bench: Bench) -> None:
    bench.config("wrong-1")
    bench.endpoint("wrong", "wrong-1")
    known = rollout("wrong", "wrong-1") | {"check": {"outcome": "wrong answers", "reason": "…"}}
    assert roll_out(bench, "gone", "Right answers?", known)["end"] == "Clean up"
    with pytest.raises(ClientError, match="Could not find endpoint"):
        bench.sagemaker.describe_endpoint(EndpointName="wrong")


@pytest.mark.parametrize(
    ("outcome", "end", "serves", "left"), [("healthy", "Check rollout", 2, True), ("slow", "Clean up", 1, False)]
)
def test_a_trial_comes_before_the_update_and_leaves_nothing(
    bench: Bench, outcome: str, end: str, serves: int, left: bool
) -> None:
    """`left` is a trial endpoint of an attempt that died."""
    name = f"tried-{outcome}-{left}".lower()
    old, new = f"{name}-1", f"{name}-2"
    for config in (old, new):
        bench.config(config)
    bench.endpoint(name, old)
    if left:
        bench.endpoint(new, new)
    known = rollout(name, new)["rollout"] | {"alive": True, "previous_config": old, "trial": True}
    output = roll_out(bench, name, "Trial first?", {"rollout": known, "trial": {"outcome": outcome, "reason": "…"}})
    assert (output["end"], output["on_trial"]["status"]) == (end, "InService")
    assert bench.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"] == (old, new)[serves - 1]
    eventually(lambda: new not in names(bench) or None, "the end of the trial endpoint")


def names(bench: Bench) -> set[str]:
    return {found["EndpointName"] for found in bench.sagemaker.list_endpoints(NameContains="tried")["Endpoints"]}
