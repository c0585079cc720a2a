"""What a job is to the local cloud: its state, the container that it asks for, and how that ended."""

from __future__ import annotations

import queue
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import ClassVar, Final, Protocol

from retide.local.clock import Timer
from retide.local.interfaces import Json
from retide.local.sagemaker.container import Sandbox

DAY: Final = 86_400
REASON_CHARACTERS: Final = 1024


class Signal(Enum):
    """What a running job's thread waits for."""

    EXITED = auto()
    STOP = auto()
    DEADLINE = auto()
    KILL = auto()


@dataclass(slots=True)
class Job:
    """One job and all that is known about it. Only its own thread moves it on; readers take the lock."""

    name: str
    arn: str
    request: Json
    created: datetime
    modified: datetime
    status: str = "InProgress"
    secondary: str = "Starting"
    started: datetime | None = None
    ended: datetime | None = None
    failure: str | None = None
    transitions: list[Json] = field(default_factory=list)
    results: Json = field(default_factory=dict)
    inbox: queue.SimpleQueue[Signal] = field(default_factory=queue.SimpleQueue)
    timers: list[Timer] = field(default_factory=list)
    stopping: bool = False
    done: Future[None] = field(default_factory=Future)
    tidied: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)


@dataclass(frozen=True, slots=True)
class Launch:
    """The container that a job asks for."""

    image: str
    words: Sequence[str]
    variables: Mapping[str, str]
    platform: Mapping[str, str]
    isolated: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How the container ended: `cause` is STOP or DEADLINE when it was told to.

    `host` is the place among the hosts of the one that failed first, 0 where none did.
    """

    exit_code: int
    cause: Signal | None
    log: Path
    host: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    status: str
    secondary: str
    failure: str | None = None


class Kind(Protocol):
    """What the runner asks of a kind of job, in this order."""

    noun: ClassVar[str]
    """As AWS's names have it: "Training" in CreateTrainingJob."""

    def instances(self, job: Job) -> int:
        """On how many hosts it runs."""
        del job
        return 1

    @abstractmethod
    def bring_in(self, job: Job, sandbox: Sandbox) -> None:
        """Write the container's configuration and inputs. May raise TransferFailed."""

    @abstractmethod
    def launch(self, job: Job) -> Launch: ...

    @abstractmethod
    def started(self, job: Job) -> None:
        """The container is about to start."""

    @abstractmethod
    def carry_out(self, job: Job, sandbox: Sandbox, ending: Ending) -> Outcome:
        """Take what the container left behind. May raise TransferFailed."""

    @abstractmethod
    def changed(self, job: Job) -> None:
        """The job's state has changed, at any time: tell the world."""


def algorithm_error(said: str, exit_code: int) -> str:
    """FailureReason as AWS words it: what the container said, cut so that the whole keeps to 1,024 characters."""
    start, end = "AlgorithmError: ", f", exit code: {exit_code}"
    reason = said or "Please check the job's log for details"
    return f"{start}{reason[: REASON_CHARACTERS - len(start) - len(end)]}{end}"
