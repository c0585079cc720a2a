"""How services of ours join MiniStack: one test for each of the names that a new version may move."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from retide.local.interfaces import (
    Event,
    Json,
    LocalCloudError,
    Request,
    Resource,
    ResourceChange,
    ResourceType,
    Response,
    TaskCall,
    TaskFailed,
)
from tests.contract.local.account import Account
from tests.contract.local.hosted import Hosted
from tests.patience import eventually

TIDES = "arn:aws:states:::tides:measure"


class Tides:
    """A service that AWS does not have, with everything that a service of ours can have."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.changes: list[tuple[str, ResourceChange]] = []
        self.cancelled = threading.Event()

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        if request.headers["x-amz-target"].endswith("Drown"):
            return _answer(400, {"__type": "TooDeepException", "message": "too deep"})
        return _answer(200, {"Level": 3})

    def measure(self, call: TaskCall) -> Json:
        if call.parameters.get("Wait"):
            call.cancellation.subscribe(self.cancelled.set)
            assert self.cancelled.wait(20)
        if call.parameters.get("Drown"):
            raise TaskFailed("Tides.TooDeep", "too deep")
        return {"Level": 2, "Execution": call.execution_arn}

    def change(self, kind: str) -> Any:
        def apply(change: ResourceChange) -> Resource:
            self.changes.append((kind, change))
            return Resource("gauge-1", {"Depth": change.properties.get("Depth", "0")})

        return apply


def _answer(status: int, body: Json) -> Response:
    return Response(status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode())


@pytest.fixture(scope="module")
def tides() -> Tides:
    return Tides()


@pytest.fixture(scope="module")
def hosted(tides: Tides, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    hosted = Hosted(tmp_path_factory.mktemp("hosted"))
    extension = hosted.extension
    extension.register_service("tides", tides.handle, (), ("Tides.",))
    extension.register_task(TIDES, tides.measure)
    extension.register_task(f"{TIDES}.sync", tides.measure)
    extension.register_sdk_service("tides", "Tides", "Tides", {})
    gauge = ResourceType(tides.change("create"), tides.change("update"), tides.change("delete"))
    extension.register_resource_type("AWS::Tides::Gauge", gauge)
    with hosted:
        yield hosted


@pytest.fixture
def account(hosted: Hosted) -> Account:
    return hosted.account


def test_a_registered_service_answers_requests_with_its_target_prefix(account: Account, tides: Tides) -> None:
    status, body = _post(account, "Tides.Measure", {"Where": "pier"})
    assert (status, body) == (200, {"Level": 3})
    request = tides.requests[-1]
    assert json.loads(request.body) == {"Where": "pier"}
    assert (request.method, request.account, request.region) == ("POST", "000000000000", "us-east-1")


def _post(account: Account, target: str, body: Json) -> tuple[int, Json]:
    answer = urllib3.request("POST", account.endpoint_url, json=body, headers={"X-Amz-Target": target})
    return answer.status, answer.json()


def test_a_registered_task_gets_its_parameters_and_its_execution(account: Account) -> None:
    ended = account.run({"Measure": _task(TIDES)})
    assert json.loads(ended["output"]) == {"Level": 2, "Execution": ended["executionArn"]}


def _task(resource: str, parameters: Json | None = None, **fields: Any) -> Json:
    return {"Type": "Task", "Resource": resource, "Parameters": parameters or {"A": 1}, "End": True, **fields}


def test_a_tasks_failure_is_caught_by_its_name(account: Account) -> None:
    catch = [{"ErrorEquals": ["Tides.TooDeep"], "Next": "Caught", "ResultPath": "$.error"}]
    ended = account.run(
        {"Measure": _task(TIDES, {"Drown": True}, Catch=catch), "Caught": {"Type": "Pass", "End": True}}
    )
    assert json.loads(ended["output"])["error"] == {"Error": "Tides.TooDeep", "Cause": "too deep"}


def test_a_task_that_is_not_registered_fails_by_its_whole_name(account: Account) -> None:
    ended = account.run({"Measure": _task(f"{TIDES}More")})
    assert ended["status"] == "FAILED"
    assert f"{TIDES}More is not supported" in ended["cause"]


def test_a_task_hears_that_its_execution_was_stopped(account: Account, tides: Tides) -> None:
    tides.cancelled.clear()
    machine = account.machine({"Measure": _task(f"{TIDES}.sync", {"Wait": True})})
    execution = account.states.start_execution(stateMachineArn=machine)["executionArn"]
    eventually(lambda: _is_scheduled(account, execution), "the task is scheduled")
    account.states.stop_execution(executionArn=execution)
    assert tides.cancelled.wait(20)


def _is_scheduled(account: Account, execution: str) -> bool:
    history = account.states.get_execution_history(executionArn=execution)["events"]
    return any(event["type"] == "TaskScheduled" for event in history)


def test_a_task_hears_that_its_state_timed_out(account: Account, tides: Tides) -> None:
    tides.cancelled.clear()
    ended = account.run({"Measure": _task(f"{TIDES}.sync", {"Wait": True}, TimeoutSeconds=1)})
    assert ended["error"] == "States.Timeout"
    assert tides.cancelled.wait(20)


def test_an_sdk_task_reaches_the_service_and_names_its_errors(account: Account) -> None:
    fine = account.run({"Ask": _task("arn:aws:states:::aws-sdk:tides:measure")})
    wrong = account.run({"Ask": _task("arn:aws:states:::aws-sdk:tides:drown")})
    assert json.loads(fine["output"]) == {"Level": 3}
    assert wrong["error"] == "Tides.TooDeepException"


def test_cloudformation_creates_updates_and_deletes_a_registered_type(account: Account, tides: Tides) -> None:
    stacks = account.client("cloudformation")
    for depth, verb in (("1", "create"), ("2", "update")):
        getattr(stacks, f"{verb}_stack")(StackName="gauges", TemplateBody=_template(depth))
        stacks.get_waiter(f"stack_{verb}_complete").wait(StackName="gauges", WaiterConfig={"Delay": 1})
    outputs = stacks.describe_stacks(StackName="gauges")["Stacks"][0]["Outputs"]
    stacks.delete_stack(StackName="gauges")
    eventually(lambda: tides.changes[-1][0] == "delete", "the gauge is deleted")
    assert {output["OutputKey"]: output["OutputValue"] for output in outputs} == {"Id": "gauge-1", "Depth": "2"}
    assert [(kind, change.properties["Depth"], change.physical_id) for kind, change in tides.changes] == [
        ("create", "1", ""),
        ("update", "2", "gauge-1"),
        ("delete", "2", "gauge-1"),
    ]
    assert tides.changes[1][1].old == {"Depth": "1"}


def _template(depth: str) -> str:
    return json.dumps(
        {
            "Resources": {"Gauge": {"Type": "AWS::Tides::Gauge", "Properties": {"Depth": depth}}},
            "Outputs": {
                "Id": {"Value": {"Ref": "Gauge"}},
                "Depth": {"Value": {"Fn::GetAtt": ["Gauge", "Depth"]}},
            },
        }
    )


def test_an_emitted_event_reaches_the_rules_of_the_default_bus(account: Account, hosted: Hosted) -> None:
    url, arn = account.queue()
    account.rule({"source": ["aws.tides"]}, arn)
    for level in (1, 2, 3):
        hosted.extension.emit_event(Event("aws.tides", "Tide Turned", {"level": level}, ("arn:aws:tides:::gauge",)))
    received = eventually(lambda: account.receive_all(url, 3), "three events arrive")
    assert [event["detail"]["level"] for event in received] == [1, 2, 3]
    assert (received[0]["detail-type"], received[0]["resources"]) == ("Tide Turned", ["arn:aws:tides:::gauge"])


def test_only_an_optimized_integration_can_be_registered_as_a_task(hosted: Hosted, tides: Tides) -> None:
    with pytest.raises(ValueError, match="not an optimized integration"):
        hosted.extension.register_task("arn:aws:lambda:us-east-1:000000000000:function:x", tides.measure)


def test_time_is_set_over_the_gateway(hosted: Hosted) -> None:
    hosted.running.change_time(hold="2027-01-01T00:00:00+00:00")
    told = hosted.running.change_time(advance=60, wait_scale=0.5)
    hosted.running.change_time(release=True)
    assert told == {"now": "2027-01-01T00:01:00+00:00", "held": True, "wait_scale": 0.5}


UNKNOWN = SimpleNamespace(fields={"forward": 5}, complaint="unknown field 'forward'")
NEGATIVE = SimpleNamespace(fields={"advance": -1}, complaint="at least 0")
INFINITE = SimpleNamespace(fields={"wait_scale": "inf"}, complaint="finite number")
NO_MOMENT = SimpleNamespace(fields={"hold": "tomorrow"}, complaint="tomorrow")


@pytest.mark.parametrize("change", [UNKNOWN, NEGATIVE, INFINITE, NO_MOMENT], ids=lambda change: change.complaint)
def test_time_refuses_what_it_does_not_understand(change: SimpleNamespace, hosted: Hosted) -> None:
    with pytest.raises(LocalCloudError, match=change.complaint):
        hosted.running.change_time(**change.fields)
