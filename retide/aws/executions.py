"""The state machines on Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from retide.aws.clients import code
from retide.domain.ledger import Step
from retide.domain.record import Failure
from retide.ports import ExecutionStatus, Machine, Start

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

JUST_NOW: Final = timedelta(seconds=30)  # more than clocks differ by
HISTORY_PAGE: Final = 1_000  # the most; by default AWS gives a run of 100 objects in 8 pages
ERRORS: Final[Mapping[str, str]] = {"TIMED_OUT": "States.Timeout"}  # of an execution that says none itself
FAILED_STATES: Final[tuple[Literal["FAILED", "TIMED_OUT"], ...]] = ("FAILED", "TIMED_OUT")


class StepFunctions:
    """Executions of the two machines, given by their ARNs."""

    def __init__(self, client: SFNClient, machines: Mapping[Machine, str]) -> None:
        self._client = client
        self._machines = machines

    def start(self, machine: Machine, name: str, payload: Mapping[str, Any]) -> Start:
        """Start under a unique name; while one of the same name and input runs, AWS answers with that one.

        One that runs since less than JUST_NOW counts as started by this call.
        """
        try:
            answer = self._client.start_execution(
                stateMachineArn=self._machines[machine], name=name, input=json.dumps(payload, sort_keys=True)
            )
        except ClientError as error:
            if code(error) != "ExecutionAlreadyExists":
                raise
            return Start.again(self.status(self._arn(machine, name)))
        known = answer["startDate"] < datetime.now(UTC) - JUST_NOW
        return Start.RUNNING if known else Start.STARTED

    def running(self, execution: str) -> bool:
        return self.status(execution) is ExecutionStatus.RUNNING

    def status(self, execution: str) -> ExecutionStatus:
        if not execution.startswith("arn:"):
            return ExecutionStatus.GONE  # what holds a lease for a dead execution is none; AWS would refuse to look
        try:
            return ExecutionStatus(self._client.describe_execution(executionArn=execution)["status"])
        except ClientError as error:
            if code(error) != "ExecutionDoesNotExist":
                raise
            return ExecutionStatus.GONE

    def steps(self, execution: str) -> tuple[Step, ...]:
        return tuple(_timeline(self._events(execution)))

    def failed_item(self, execution: str) -> Failure | None:
        """Why the first item of its distributed Map failed; None where none is known to have."""
        for run in self._client.list_map_runs(executionArn=execution)["mapRuns"]:
            for status in FAILED_STATES:
                listed = self._client.list_executions(mapRunArn=run["mapRunArn"], statusFilter=status, maxResults=1)
                for item in listed["executions"]:
                    return self._failure(item["executionArn"], status)
        return None

    def _failure(self, execution: str, status: str) -> Failure:
        found = self._client.describe_execution(executionArn=execution)
        return Failure(found.get("error", ERRORS.get(status, "")), found.get("cause", ""))

    def _events(self, execution: str) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("get_execution_history")
        for page in pages.paginate(
            executionArn=execution, includeExecutionData=False, PaginationConfig={"PageSize": HISTORY_PAGE}
        ):
            yield from page["events"]

    def _arn(self, machine: Machine, name: str) -> str:
        return f"{self._machines[machine].replace(':stateMachine:', ':execution:', 1)}:{name}"


def _timeline(events: Iterator[Mapping[str, Any]]) -> list[Step]:
    """Pair what was entered with what was exited, a state's iterations in their order; choices take no time."""
    entered: list[tuple[str, datetime]] = []
    ended: dict[int, datetime] = {}
    for event in events:
        kind = str(event["type"])
        if kind.endswith("StateEntered") and not kind.startswith(("Choice", "Pass", "Succeed", "Fail")):
            entered.append((event["stateEnteredEventDetails"]["name"], event["timestamp"]))
        elif kind.endswith("StateExited"):
            _close(event["stateExitedEventDetails"]["name"], event["timestamp"], entered, ended)
    return [_step(name, start, ended.get(index)) for index, (name, start) in enumerate(entered)]


def _close(name: str, at: datetime, entered: list[tuple[str, datetime]], ended: dict[int, datetime]) -> None:
    opened = (index for index, (known, _) in enumerate(entered) if known == name and index not in ended)
    index = next(opened, None)
    if index is not None:
        ended[index] = at


def _step(name: str, start: datetime, end: datetime | None) -> Step:
    return Step(name, start.isoformat(), None if end is None else round((end - start).total_seconds(), 3))
