"""Where a model stands, what one of its runs took upon itself, and how that went."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.layout import RunId
from retide.domain.ledger.objects import ClaimedObject
from retide.domain.ledger.requests import Cause, Request


@dataclass(frozen=True, slots=True)
class Champion:
    """The model that serves, and what it was made of."""

    package_arn: str
    version: int
    job: str
    dataset: str
    code_digest: str
    contract_digest: str
    run: str
    image: str = ""
    libs_digest: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a model stands: the run that comes next or holds the lease now. `token` is the fencing token.

    `runs` is how many runs began on `day` (in UTC), `stillborn` how many executions in a row died before they had
    claimed anything.
    """

    generation: int = 1
    attempt: int = 1
    token: int = 0
    owner: str | None = None
    champion: Champion | None = None
    day: str = ""
    runs: int = 0
    stillborn: int = 0
    stored: bool = False

    def runs_on(self, day: str) -> int:
        return self.runs if self.day == day else 0

    def run(self, model: str) -> RunId:
        return RunId(model, self.generation, self.attempt)


@dataclass(frozen=True, slots=True)
class Step:
    """One state of an execution; `seconds` is wall time, None while it still runs."""

    name: str
    started_at: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of the retrain machine; `state` is running, ended or died; `objects` are ids in the claim's order.

    `job` is the training job's name, which an earlier attempt may have begun, `evaluation` the processing job's,
    `boosting` that of both jobs that come before where several instances learn together.
    """

    run: str
    execution: str
    state: str
    started_at: str
    objects: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    ended_at: str | None = None
    outcome: str | None = None
    reasons: tuple[str, ...] = ()
    dataset: str | None = None
    rows: int | None = None
    job: str | None = None
    evaluation: str | None = None
    boosting: str | None = None
    code_digest: str | None = None
    contract_digest: str | None = None
    image: str | None = None
    libs_digest: str | None = None
    commit: str | None = None
    champion: int | None = None
    decision: str | None = None
    package: str | None = None
    steps: tuple[Step, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """Distinct causes, data first."""
        data = (Cause.DATA.value,) if self.objects else ()
        return data + tuple(dict.fromkeys(request.cause.value for request in self.requests))


@dataclass(frozen=True, slots=True)
class Claim:
    """What one run took upon itself: objects in the order of their arrival, and requests."""

    objects: tuple[ClaimedObject, ...]
    requests: tuple[Request, ...]

    @property
    def causes(self) -> tuple[Cause, ...]:
        return tuple(dict.fromkeys(request.cause for request in self.requests))
