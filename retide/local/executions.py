"""Which execution a task of ours runs for, and when nobody waits for that task any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.services import stepfunctions

from retide.local.interfaces import Cancellation, Json, TaskCall

_execution: ContextVar[str] = ContextVar("retide_execution")
_state_timeout: ContextVar[Cancellation | None] = ContextVar("retide_state_timeout", default=None)
_running: dict[str, list[Cancellation]] = {}
_lock = threading.Lock()


def current_call(resource: str, parameters: Json) -> TaskCall:
    """The call that the current thread runs; cancelled when its execution ends or its state times out."""
    arn = _execution.get()
    cancellation = _state_timeout.get() or Cancellation()
    with _lock:
        _running.setdefault(arn, []).append(cancellation)
    if not _is_running(arn):
        cancellation.request()
    return TaskCall(resource, parameters, arn, cancellation)


def current_execution() -> str | None:
    """The ARN of the execution that the current thread works for."""
    return _execution.get(None)


def execution_has_ended() -> bool:
    """Whether the execution that the current thread works for no longer runs; False where there is none."""
    arn = _execution.get(None)
    return arn is not None and not _is_running(arn)


def install() -> None:
    """Follow executions from their start to their end. Three of MiniStack's private functions are wrapped."""
    stepfunctions._run_execution = _following(stepfunctions._run_execution)
    stepfunctions._emit_execution_status_event = _telling(stepfunctions._emit_execution_status_event)
    stepfunctions._invoke_resource_with_timeout = _invoke_with_timeout


def _following(run: Callable[[str], None]) -> Callable[[str], None]:
    def run_execution(arn: str) -> None:
        _execution.set(arn)
        try:
            run(arn)
        finally:
            _cancel(arn)

    return run_execution


def _telling(emit: Callable[[Json], None]) -> Callable[[Json], None]:
    def emit_status(execution: Json) -> None:
        emit(execution)
        if execution["status"] != "RUNNING":
            _cancel(execution["executionArn"])

    return emit_status


def _invoke_with_timeout(resource: str, parameters: Json, timeout: float) -> Any:
    """As MiniStack's own, but a task of ours is told that its state has timed out."""
    cancellation = Cancellation()
    context = copy_context()
    context.run(_state_timeout.set, cancellation)
    pool = ThreadPoolExecutor(max_workers=1)
    future: Future[Any] = pool.submit(context.run, stepfunctions._invoke_resource, resource, parameters)
    pool.shutdown(wait=False)
    try:
        return future.result(timeout=timeout)
    except FutureTimeout:
        cancellation.request()
        raise stepfunctions._ExecutionError("States.Timeout", f"Task timed out after {timeout} seconds") from None


def _is_running(arn: str) -> bool:
    execution = stepfunctions._executions.get(arn)
    return execution is not None and execution["status"] == "RUNNING"


def _cancel(arn: str) -> None:
    with _lock:
        cancellations = _running.pop(arn, [])
    for cancellation in cancellations:
        cancellation.request()
