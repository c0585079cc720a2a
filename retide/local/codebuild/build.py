"""One build: its phases, its state, and how somebody from outside interrupts it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from retide.local.codebuild.plan import Plan
from retide.local.codebuild.seam import RUNNING, BuildState
from retide.local.interfaces import Json


class Cause(Enum):
    """Why a build is interrupted: the status that it ends with, the code and the message of the phase."""

    STOPPED = ("STOPPED", "", "")
    TIMED_OUT = ("TIMED_OUT", "BUILD_TIMED_OUT", "Build has timed out. ")
    CLOSED = ("STOPPED", "CLOUD_STOPPED", "The local cloud has stopped.")


class Interrupted(Exception):
    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.name)
        self.cause = cause


class Interruption:
    """Asked for at any time from any thread, and heard by the build's own; the first request counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callback: Callable[[], object] | None = None
        self.cause: Cause | None = None

    def request(self, cause: Cause) -> None:
        with self._lock:
            if self.cause is None or cause is Cause.CLOSED:
                self.cause = cause
            callback = self._callback
        if callback is not None:
            callback()

    def check(self) -> None:
        """Raises Interrupted."""
        if self.cause is not None:
            raise Interrupted(self.cause)

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call `callback` on a request as long as the block runs; raises Interrupted at its end."""
        with self._lock:
            self._callback = callback
        if self.cause is not None:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callback = None
        self.check()


@dataclass(slots=True)
class Phase:
    type: str
    started: datetime
    status: str = RUNNING
    ended: datetime | None = None
    contexts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An artefact in S3; a checksum is empty where there is no single file."""

    identifier: str
    location: str
    sha256: str = ""
    md5: str = ""


@dataclass(slots=True)
class Build:
    """Only its own thread moves it on; readers take the lock."""

    id: str
    arn: str
    number: int
    plan: Plan
    created: datetime
    status: str = RUNNING
    ended: datetime | None = None
    phases: list[Phase] = field(default_factory=list)
    exported: dict[str, str] = field(default_factory=dict)
    uploaded: list[Uploaded] = field(default_factory=list)
    interruption: Interruption = field(default_factory=Interruption)
    done: Future[BuildState] = field(default_factory=Future)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def uuid(self) -> str:
        return self.id.rpartition(":")[2]

    @property
    def log_stream(self) -> str:
        return f"{self.plan.log_prefix}/{self.uuid}".lstrip("/")

    @property
    def phase(self) -> Phase:
        return self.phases[-1]

    @property
    def succeeding(self) -> bool:
        return all(phase.status in (RUNNING, "SUCCEEDED") for phase in self.phases)

    def enter(self, name: str, now: datetime) -> None:
        with self.lock:
            self.phases.append(Phase(name, now))

    def leave(self, status: str, now: datetime, code: str = "", message: str = "") -> Phase:
        with self.lock:
            phase = self.phase
            phase.status, phase.ended = status, now
            if code or message:
                phase.contexts.append((code, message))
            return phase

    def end(self, status: str, now: datetime) -> None:
        with self.lock:
            self.phases.append(Phase("COMPLETED", now))
            self.status, self.ended = status, now

    def state(self) -> BuildState:
        with self.lock:
            group, stream = (self.plan.log_group, self.log_stream) if self.plan.log_group else ("", "")
            message = "" if self.status in (RUNNING, "SUCCEEDED") else self._failure()
            phase, exported = self.phase.type, dict(self.exported)
            return BuildState(self.id, self.arn, self.status, phase, message, group, stream, exported)

    def _failure(self) -> str:
        """As CodePipeline words it."""
        for phase in self.phases:
            if phase.status not in (RUNNING, "SUCCEEDED"):
                code, message = phase.contexts[0] if phase.contexts else ("", "")
                said = f"Phase: {phase.type}, Code: {code}, Message: {message}"
                return f"Build terminated with state: {self.status}. {said}"
        return f"Build terminated with state: {self.status}"


def describe_phase(phase: Phase) -> Json:
    """As BatchGetBuilds tells it: a phase that runs has a start only."""
    described: Json = {"phaseType": phase.type, "startTime": phase.started}
    if phase.ended is not None:
        described |= {
            "phaseStatus": phase.status,
            "endTime": phase.ended,
            "durationInSeconds": int((phase.ended - phase.started).total_seconds()),
            "contexts": [{"statusCode": code, "message": message} for code, message in phase.contexts],
        }
    return described
