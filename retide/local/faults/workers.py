"""Gives every worker process of a function a token of its own, so that its calls are known and it can be killed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime

from retide.local.callers import Caller, Callers
from retide.local.interfaces import Json

_token: ContextVar[str] = ContextVar("retide_worker_token", default="")


def install(callers: Callers) -> None:
    lambda_runtime.Worker._spawn = _known(lambda_runtime.Worker._spawn, callers)
    lambda_runtime.execution_credentials = _with_token(lambda_runtime.execution_credentials)


def _known(spawn: Callable[[Any], None], callers: Callers) -> Callable[[Any], None]:
    def spawn_worker(worker: Any) -> None:
        callers.dismiss(getattr(worker, "retide_token", ""))
        worker.retide_token = callers.admit(_caller(worker))
        reset = _token.set(worker.retide_token)
        try:
            spawn(worker)
        finally:
            _token.reset(reset)

    return spawn_worker


def _caller(worker: Any) -> Caller:
    def kill() -> None:
        with suppress(ProcessLookupError, AttributeError):  # it has ended by itself in this very moment
            worker._proc.kill()

    return Caller(worker.config["FunctionArn"], worker.config.get("Role", ""), kill)


def _with_token(credentials: Callable[[Json], dict[str, str]]) -> Callable[[Json], dict[str, str]]:
    def execution_credentials(config: Json) -> dict[str, str]:
        found = credentials(config)
        return {**found, "AWS_SESSION_TOKEN": _token.get()} if _token.get() else found

    return execution_credentials
