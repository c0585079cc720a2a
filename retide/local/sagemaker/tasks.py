"""Step Functions' optimized integrations for SageMaker: request and response, and .sync for jobs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Final, Protocol

from retide.local.api import Api
from retide.local.errors import NOT_SUPPORTED, ApiError
from retide.local.interfaces import Json, Task, TaskCall, TaskFailed
from retide.local.sagemaker.events import milliseconds
from retide.local.shapes import wire

PREFIX: Final = "arn:aws:states:::sagemaker:"
PLAIN: Final = (
    "createTrainingJob",
    "createProcessingJob",
    "createTransformJob",
    "createHyperParameterTuningJob",
    "createModel",
    "createEndpointConfig",
    "createEndpoint",
    "updateEndpoint",
)
STARTED_BY: Final = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
OTHER: Final = "SageMakerException"
# Both kinds of integration speak through the SDK for Java: it has classes for some errors and one for all others.
SDK_ERRORS: Final = {
    "ResourceInUse": "ResourceInUseException",
    "ResourceNotFound": "ResourceNotFoundException",
    "ResourceLimitExceeded": "ResourceLimitExceededException",
    "ConflictException": "ConflictException",
    "ValidationException": OTHER,
    NOT_SUPPORTED: "States.Runtime",
}
OPTIMIZED_OTHER: Final = "AmazonSageMakerException"  # what the optimized integrations call SageMakerException


class TaskRegistry(Protocol):
    def register_task(self, resource: str, task: Task) -> None:
        """Run the Task states with exactly this Resource."""


class Awaited(Protocol):
    """What is waited for."""

    @property
    def name(self) -> str: ...

    @property
    def done(self) -> Future[None]: ...


class Kind(Protocol):
    """The jobs of a kind; `noun` is as AWS's names have it: Training."""

    @property
    def noun(self) -> str: ...

    def find(self, name: str) -> Awaited: ...


def register(registry: TaskRegistry, api: Api, jobs: Iterable[Kind]) -> None:
    """Register every integration that the local SageMaker carries out."""
    for name in PLAIN:
        registry.register_task(f"{PREFIX}{name}", _plain(api, _operation(name)))
    for kind in jobs:
        registry.register_task(f"{PREFIX}create{kind.noun}Job.sync", _sync(api, kind))


def _plain(api: Api, operation: str) -> Task:
    def run(call: TaskCall) -> Json:
        return wire("sagemaker", operation, _call(api, operation, call.parameters))

    return run


def _sync(api: Api, jobs: Kind) -> Task:
    kind = jobs.noun

    def run(call: TaskCall) -> Json:
        request = call.parameters | {"Tags": [*call.parameters.get("Tags", ()), STARTED_BY]}
        _call(api, f"Create{kind}Job", request)
        job = jobs.find(request[f"{kind}JobName"])
        name = {f"{kind}JobName": job.name}
        _wait(job, call, stop=lambda: api.call(f"Stop{kind}Job", name))
        return _result(api, kind, name, call)

    return run


def _wait(job: Awaited, call: TaskCall, stop: Callable[[], object]) -> None:
    """Until the job has ended, or nobody waits for it any more: then the job is stopped, as AWS does."""
    woken = threading.Event()
    job.done.add_done_callback(lambda _: woken.set())
    call.cancellation.subscribe(woken.set)
    woken.wait()
    if not job.done.done():
        _stop(stop)


def _stop(stop: Callable[[], object]) -> None:
    try:
        stop()
    except ApiError:
        return  # it has ended in this very moment


def _result(api: Api, kind: str, name: Json, call: TaskCall) -> Json:
    described = api.call(f"Describe{kind}Job", name)
    result: Json = milliseconds(described)
    if result[f"{kind}JobStatus"] != "Completed" and not call.cancellation.requested:
        raise TaskFailed("States.TaskFailed", json.dumps(result))
    return result


def _call(api: Api, operation: str, parameters: Json) -> Json:
    try:
        return api.call(operation, parameters)
    except ApiError as error:
        detail = f"(Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})"
        raise TaskFailed(error_name(error.code), f"{error.message} {detail}") from error


def error_name(code: str) -> str:
    """An API's error as Retry and Catch of an optimized integration know it."""
    return sdk_error_name(code).replace(f".{OTHER}", f".{OPTIMIZED_OTHER}")


def sdk_error_name(code: str) -> str:
    """The same as the integrations through the AWS SDK name it."""
    name = SDK_ERRORS.get(code, OTHER)
    return name if name.startswith("States.") else f"SageMaker.{name}"


def _operation(name: str) -> str:
    return name[:1].upper() + name[1:]
