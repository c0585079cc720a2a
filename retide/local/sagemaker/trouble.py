"""What was asked to go wrong with one job, at the moment at which it goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from retide.local.faults.rules import JobFault
from retide.local.sagemaker.container import Container
from retide.local.sagemaker.jobs import Job, Outcome, Signal

NO_CAPACITY: Final = (
    "CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type or after some time."
)


class Trouble:
    """Nothing happens where there is no fault."""

    def __init__(self, fault: JobFault | None) -> None:
        self._fault = fault

    def beforehand(self) -> Outcome | None:
        """How the job ends before its container could start."""
        if self._is("capacity"):
            return Outcome("Failed", "Failed", NO_CAPACITY)
        return self._failure() if self._is("fail", "before") else None

    def meanwhile(self, job: Job, container: Container, stop: Callable[[Job], None]) -> None:
        """What happens to the container that has just started."""
        if self._is("kill"):
            container.kill()
        elif self._is("timeout"):
            job.inbox.put(Signal.DEADLINE)
        elif self._is("stop", "before"):
            stop(job)

    def afterwards(self, outcome: Outcome) -> Outcome:
        """How the job ends although all of its work was done and uploaded."""
        if self._is("stop", "after"):
            return Outcome("Stopped", "Stopped")
        return self._failure() if self._is("fail", "after") else outcome

    def _failure(self) -> Outcome:
        return Outcome("Failed", "Failed", self._fault.message if self._fault else None)

    def _is(self, effect: str, when: str = "before") -> bool:
        return self._fault is not None and (self._fault.effect, self._fault.when) == (effect, when)
