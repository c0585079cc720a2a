"""What a service of ours and the emulator beneath it say to each other, free of the emulator's own names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from retide.local.clock import Clock

if TYPE_CHECKING:
    from retide.local.callers import Caller
    from retide.local.faults.rules import JobFault

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
HOST: Final = "127.0.0.1"
CLOCK: Final = "/_retide/clock"
FAULTS: Final = "/_retide/faults"
CALLS: Final = "/_retide/calls"
SCHEDULES: Final = "/_retide/schedules"

Json = dict[str, Any]

Route = Callable[[str, str, bytes], tuple[int, Json]]
"""Answers requests that only a local cloud knows: method, what follows the route's own path, body → status, JSON.

Runs in a worker thread; ValueError and TypeError are answered with 400 and their message."""


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked; the message is one line and says what to do."""


class NoAnswer(Exception):
    """Whoever asked is to hear nothing: the connection ends without an answer."""


def _nothing_wrong(_kind: str, _name: str) -> JobFault | None:
    return None


def _no_token(_caller: Caller) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a service may know about the cloud that it runs in.

    `job_fault` says what was asked to go wrong with a job, by kind (Training) and name, once for each job; `admit`
    gives a caller that the service starts the session token by which its calls are known.
    """

    home: Path
    endpoint_url: str
    images: Mapping[str, Path]
    clock: Clock
    account: str = ACCOUNT
    region: str = REGION
    job_fault: Callable[[str, str], JobFault | None] = _nothing_wrong
    admit: Callable[[Caller], str] = _no_token


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of a metric at one moment, in seconds since the epoch."""

    namespace: str
    name: str
    value: float
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    at: float


class Metrics(Protocol):
    """CloudWatch as a service of ours fills it."""

    def measure(self, measure: Measure) -> None:
        """Keep one value."""


class Alarms(Protocol):
    """CloudWatch's alarms as a service of ours looks at them."""

    def alarm_state(self, name: str) -> str | None:
        """OK, ALARM or INSUFFICIENT_DATA, evaluated now; None where there is no such alarm."""


class Service(Protocol):
    """A service of ours while the cloud runs."""

    @property
    def routes(self) -> Mapping[str, Route]:
        """What it answers beside its API, by path: things that a person does in the console, or a test."""

    def close(self) -> None:
        """End every process and thread that the service started."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case, `query` holds every value given for a name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, list[str]]
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


Handler = Callable[[Request], Response]
"""Answers one request. Runs in a worker thread, so it may block and may call the cloud itself."""


class Cancellation:
    """Tells a running task that nobody waits for it any more: its execution ended or its state timed out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requested = False
        self._callbacks: list[Callable[[], object]] = []

    @property
    def requested(self) -> bool:
        return self._requested

    def subscribe(self, callback: Callable[[], object]) -> None:
        """Call `callback` once on cancellation, at once when that has already happened."""
        with self._lock:
            if not self._requested:
                self._callbacks.append(callback)
                return
        callback()

    def request(self) -> None:
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            self._requested = True
        for callback in callbacks:
            callback()


@dataclass(frozen=True, slots=True)
class TaskCall:
    """One run of a Step Functions task: the state's whole Resource, and its parameters after resolution."""

    resource: str
    parameters: Json
    execution_arn: str
    cancellation: Cancellation


Task = Callable[[TaskCall], Json]
"""Runs in a thread of its own and may block; raises TaskFailed with the error's name as Retry and Catch see it."""


class TaskFailed(Exception):
    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Event:
    """One event for the default EventBridge bus; `source` may be one of AWS's own (`aws.…`)."""

    source: str
    detail_type: str
    detail: Json
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that CloudFormation made: what Ref gives, and what Fn::GetAtt gives by name."""

    physical_id: str
    attributes: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What CloudFormation asks for; `old` is empty on creation, `physical_id` too."""

    logical_id: str
    stack: str
    properties: Json
    physical_id: str = ""
    old: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """How CloudFormation handles one type. Any exception fails the resource with its message and rolls back."""

    create: Callable[[ResourceChange], Resource]
    update: Callable[[ResourceChange], Resource]
    delete: Callable[[ResourceChange], object]
