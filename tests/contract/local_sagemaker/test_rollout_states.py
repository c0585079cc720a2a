"""The rollout machine's own states on endpoints that serve nothing: these are deleted, and made again or given up."""

from __future__ import annotations

import json
from typing import Final

import pytest
from botocore.exceptions import ClientError

from infra.workflows import Workflow
from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import ROLE, Bench
from tests.contract.local_sagemaker.test_tasks import finish

ENDS: Final = ("Check rollout", "Finish rollout", "Finish failed rollout")


def roll_out(bench: Bench, name: str, start: str, known: Json) -> Json:
    """Run the machine from one state on, to the states that call functions: the execution as it ended."""
    states = json.loads(Workflow.load("rollout").definition)["States"]
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
    known = {"endpoint": endpoint, "name": config, "exists": True, "alive": False, "previous_config": ""}
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
    assert roll_out(bench, "gone", "Right answers?", known)["end"] == "Finish rollout"
    with pytest.raises(ClientError, match="Could not find endpoint"):
        bench.sagemaker.describe_endpoint(EndpointName="wrong")
