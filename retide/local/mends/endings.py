"""Executions begin once and end once: names are idempotent, time limits hold, and an aborted one stays aborted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final

from ministack.core import responses
from ministack.services import stepfunctions

from retide.local.clock import Clock
from retide.local.interfaces import Json
from retide.local.mends.machines import LONGEST_PAYLOAD

Answer = tuple[int, dict[str, str], bytes]
FORBIDDEN: Final = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
LONGEST_NAME: Final = 80


def install(clock: Clock) -> None:
    stepfunctions._start_execution = _starting(stepfunctions._start_execution)
    stepfunctions._run_execution = _timed(stepfunctions._run_execution, clock)
    stepfunctions._fail_execution = _only_while_it_runs(stepfunctions._fail_execution)


def _starting(start: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def start_execution(request: Json) -> Answer:
        refusal = _refusal(request)
        return refusal or _idempotent(request, start(request))

    return start_execution


def _refusal(request: Json) -> Answer | None:
    name = request.get("name")
    if name is not None and (not 1 <= len(name) <= LONGEST_NAME or FORBIDDEN.search(name)):
        return _error("InvalidName", f"Invalid Name: '{name}'")
    if len(request.get("input", "").encode()) > LONGEST_PAYLOAD:
        return _error("ValidationException", f"'input' must have length less than or equal to {LONGEST_PAYLOAD}")
    return None


def _error(code: str, message: str) -> Answer:
    answer: Answer = responses.error_response_json(code, message, 400)
    return answer


def _idempotent(request: Json, answer: Answer) -> Answer:
    """The same name with the same input is the same execution while it runs, and a duplicate afterwards."""
    body = json.loads(answer[2])
    if not str(body.get("__type", "")).endswith("ExecutionAlreadyExists"):
        return answer
    execution = _named(request)
    if execution is None or execution["status"] != "RUNNING" or execution["input"] != request.get("input", "{}"):
        return answer
    same: Answer = responses.json_response(
        {"executionArn": execution["executionArn"], "startDate": execution["startDate"]}
    )
    return same


def _named(request: Json) -> Json | None:
    machine = stepfunctions._resolve_state_machine_arn(request["stateMachineArn"])
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request['name']}"
    execution: Json | None = stepfunctions._executions.get(arn)
    return execution


def _timed(run: Callable[[str], None], clock: Clock) -> Callable[[str], None]:
    """The machine's own TimeoutSeconds, which MiniStack does not enforce."""

    def run_execution(arn: str) -> None:
        limit = _limit(stepfunctions._executions.get(arn))
        if limit is None:
            run(arn)
            return
        timer = clock.call_later(limit, _in_this_scope(_time_out, arn))
        try:
            run(arn)
        finally:
            timer.cancel()

    return run_execution


def _limit(execution: Json | None) -> float | None:
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
    limit: float | None = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    return limit


def _in_this_scope(function: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    """The clock calls from another thread, where MiniStack would not know the account and the region."""
    context = copy_context()
    return lambda: context.run(function, *arguments)


def _time_out(arn: str) -> None:
    execution = stepfunctions._executions.get(arn)
    if execution is None or execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=stepfunctions.now_iso())
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)


def _only_while_it_runs(fail: Callable[[Json, str, str], None]) -> Callable[[Json, str, str], None]:
    def fail_execution(execution: Json, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    return fail_execution
