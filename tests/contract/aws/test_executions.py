"""Step Functions: names that are used once, and what an execution's history tells."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from retide.aws.clients import Clients
from retide.aws.executions import StepFunctions
from retide.ports import Machine, Start

ROLE = "arn:aws:iam::123456789012:role/machine"


@pytest.fixture
def machines(clients: Clients) -> StepFunctions:
    return StepFunctions(clients.states, {machine: _machine(clients, machine) for machine in Machine})


def _machine(clients: Clients, name: str) -> str:
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    made = clients.states.create_state_machine(name=name, definition=definition, roleArn=ROLE)
    return made["stateMachineArn"]


def _arn(clients: Clients, name: str) -> str:
    machines = clients.states.list_state_machines()["stateMachines"]
    listed = [clients.states.list_executions(stateMachineArn=m["stateMachineArn"])["executions"] for m in machines]
    return next(e["executionArn"] for executions in listed for e in executions if e["name"] == name)


def test_a_name_is_started_once_and_says_whether_it_still_runs(clients: Clients, machines: StepFunctions) -> None:
    assert machines.start(Machine.RETRAIN, "m-1-1", {"model": "m"}) is Start.STARTED
    assert machines.start(Machine.RETRAIN, "m-1-1", {"model": "other"}) is Start.RUNNING
    assert machines.running(_arn(clients, "m-1-1"))
    clients.states.stop_execution(executionArn=_arn(clients, "m-1-1"))
    assert machines.start(Machine.RETRAIN, "m-1-1", {"model": "m"}) is Start.STOPPED
    assert not machines.running(_arn(clients, "m-1-1"))


def test_the_machines_do_not_share_names(machines: StepFunctions) -> None:
    assert machines.start(Machine.RETRAIN, "same", {}) is Start.STARTED
    assert machines.start(Machine.ROLLOUT, "same", {}) is Start.STARTED


def test_an_execution_that_nobody_knows_does_not_run(clients: Clients, machines: StepFunctions) -> None:
    machines.start(Machine.RETRAIN, "known", {})
    assert not machines.running(_arn(clients, "known").replace("known", "unknown"))


def test_the_history_is_a_timeline_of_states(clients: Clients, machines: StepFunctions) -> None:
    machines.start(Machine.RETRAIN, "m-1-1", {})
    steps = machines.steps(_arn(clients, "m-1-1"))
    assert all(datetime.fromisoformat(step.started_at).tzinfo for step in steps)
    assert all(step.seconds is None or step.seconds >= 0 for step in steps)
