"""The state machines, and the jobs that they run."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from retide.domain.ledger import Step
from retide.domain.record import Failure


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


class Jobs(Protocol):
    def training_status(self, name: str) -> str | None:
        """In SageMaker's words; None where there is no such training job."""
        ...

    def tuning_status(self, name: str) -> str | None:
        """The same of a hyperparameter tuning job."""
        ...
