"""What the steps need from the world: small protocols named by need, with the values that cross them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from retide.domain.ledger import Step
from retide.domain.record import Failure


class Fenced(Exception):
    """The lease has passed to somebody else: whoever sees this must stop and write nothing more."""


class ObjectGone(LookupError):
    """An object, or that version of it, does not exist (any more)."""


class ConditionFailed(Exception):
    """A transaction was not written; `failed` are the positions of the operations whose condition did not hold."""

    def __init__(self, failed: tuple[int, ...]) -> None:
        super().__init__(f"the condition of operation {', '.join(map(str, failed))} does not hold")
        self.failed = failed


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, aware."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class When:
    """A condition on one item: `absent` means it must not exist; in `equals`, None means that field is not there."""

    absent: bool = False
    equals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Put:
    key: Key
    values: Mapping[str, Any]
    when: When = When()


@dataclass(frozen=True, slots=True)
class Update:
    """Set fields of an item, made if absent; a value of None removes the field."""

    key: Key
    values: Mapping[str, Any]
    when: When = When()


@dataclass(frozen=True, slots=True)
class Delete:
    key: Key
    when: When = When()


@dataclass(frozen=True, slots=True)
class Check:
    key: Key
    when: When


type Operation = Put | Update | Delete | Check


class Table(Protocol):
    """A table of items under two keys; values are what JSON knows. Every read is consistent."""

    def get(self, key: Key) -> Mapping[str, Any] | None: ...

    def get_many(self, keys: tuple[Key, ...]) -> tuple[Mapping[str, Any] | None, ...]:
        """In the order of `keys`."""
        ...

    def query(self, pk: str, prefix: str) -> tuple[Mapping[str, Any], ...]:
        """All items whose `sk` begins with `prefix`, in the order of `sk`; each has its `pk` and `sk`."""
        ...

    def backwards(self, pk: str, prefix: str) -> Iterator[Mapping[str, Any]]:
        """The same, last first, read as far as somebody asks: for a look at the end of what may be long."""
        ...

    def transact(self, *operations: Operation) -> None:
        """All or nothing, at most 100 operations on different items; raises ConditionFailed."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What S3 says of one object version; `version` is "null" in a bucket without versions, `size` in bytes."""

    version: str
    etag: str
    size: int


class Objects(Protocol):
    """The data bucket. Reading what is not there raises ObjectGone."""

    def head(self, key: str, version: str | None = None) -> ObjectHead | None: ...

    def get(self, key: str, version: str | None = None) -> bytes: ...

    def open(self, key: str) -> BinaryIO:
        """A stream to read once, for what may not fit in memory."""
        ...

    def exists(self, key: str) -> bool: ...

    def put(self, key: str, data: bytes) -> None: ...

    def get_many(self, keys: Sequence[str]) -> tuple[bytes | None, ...]:
        """Several at once, in their order; None for what is not there."""
        ...

    def download(self, key: str, version: str | None, path: Path) -> None: ...

    def download_many(self, wanted: Sequence[tuple[str, Path]]) -> frozenset[str]:
        """Several at once, each key to its path; returns the keys of what is not there."""
        ...

    def upload(self, path: Path, key: str) -> None: ...

    def copy(self, key: str, version: str | None, to_key: str) -> None:
        """Byte for byte, inside the bucket."""
        ...

    def uri(self, key: str) -> str: ...


class Machine(StrEnum):
    RETRAIN = "retrain"
    ROLLOUT = "rollout"


class Start(StrEnum):
    """`running`: an execution of that name runs already; `ended`, or by a person `stopped`: that name is used up."""

    STARTED = "started"
    RUNNING = "running"
    ENDED = "ended"
    STOPPED = "stopped"

    @property
    def used_up(self) -> bool:
        return self in {Start.ENDED, Start.STOPPED}

    @classmethod
    def again(cls, status: ExecutionStatus) -> Start:
        """What a start says under the name of an execution that is known, and in which state."""
        return {ExecutionStatus.RUNNING: cls.RUNNING, ExecutionStatus.ABORTED: cls.STOPPED}.get(status, cls.ENDED)


class ExecutionStatus(StrEnum):
    """In Step Functions' words; GONE where nobody knows such an execution (any more)."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"
    GONE = "GONE"


class Executions(Protocol):
    def start(self, machine: Machine, name: str, payload: Mapping[str, Any]) -> Start: ...

    def running(self, execution: str) -> bool:
        """False for one that ended or is not known any more."""
        ...

    def status(self, execution: str) -> ExecutionStatus: ...

    def steps(self, execution: str) -> tuple[Step, ...]:
        """The states entered so far, in order, with their durations."""
        ...

    def failed_item(self, execution: str) -> Failure | None:
        """Why an item of a distributed Map of this execution failed; None where none did."""
        ...


class Status(StrEnum):
    """A package's approval, in SageMaker's words."""

    PENDING = "PendingManualApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A model to be registered; `token` makes the request idempotent, `facts` are short texts (see domain.package)."""

    group: str
    token: str
    description: str
    image: str
    model_data_url: str
    environment: Mapping[str, str]
    facts: Mapping[str, str]
    evaluation_uri: str


@dataclass(frozen=True, slots=True)
class Package:
    """A registered model; `facts` are its CustomerMetadataProperties."""

    arn: str
    group: str
    version: int
    status: Status
    image: str
    model_data_url: str
    environment: Mapping[str, str]
    facts: Mapping[str, str]
    description: str = ""


class Registry(Protocol):
    def create(self, package: NewPackage) -> str:
        """Register as PendingManualApproval; returns the package's ARN. The same token answers the same ARN."""
        ...

    def describe(self, arn: str) -> Package:
        """Raises LookupError for an unknown package."""
        ...

    def versions(self, group: str) -> Iterator[tuple[int, str, Status]]:
        """(version, ARN, status) of a group's packages, newest first, read as far as it is asked for."""
        ...

    def judge(self, arn: str, status: Status, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class EndpointState:
    """`status` and `failure` in SageMaker's words; `config` is what serves now, whatever was asked for."""

    status: str
    config: str
    failure: str = ""


class InvocationFailed(Exception):
    """The endpoint answered with an error, or not at all."""


class Endpoints(Protocol):
    def describe(self, name: str) -> EndpointState | None: ...

    def invoke(self, name: str, body: bytes) -> bytes:
        """Send JSON, get JSON; raises InvocationFailed with the model's own words where there are any."""
        ...


class Queue(Protocol):
    def send(self, message: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed too often; `handle` is what it is deleted by, `why` what was heard of its last failure."""

    body: str
    handle: str
    id: str = ""
    why: str = ""


class Letters(Protocol):
    """A queue of dead letters."""

    def receive(self) -> tuple[DeadLetter, ...]:
        """Some of its messages, which nobody else gets for a while; none where it is empty."""
        ...

    def discard(self, letter: DeadLetter) -> None:
        """Take it off this queue, once it is kept elsewhere."""
        ...


class DeadLetters(Letters, Protocol):
    """The dead letters of the arrivals."""

    def redrive(self, letter: DeadLetter) -> None:
        """Send it to the arrivals again, and take it off this queue."""
        ...


class Notices(Protocol):
    """Where people hear of what happened."""

    def publish(self, subject: str, text: str) -> None: ...


class Jobs(Protocol):
    def training_status(self, name: str) -> str | None:
        """In SageMaker's words; None where there is no such training job."""
        ...
