"""What the ledger remembers, as values: objects, requests, the head of a model, runs, its endpoint, releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from retide.domain.layout import ObjectVersion, RunId


class ObjectState(StrEnum):
    """What became of an object version; all but the first two are terminal."""

    PENDING = "pending"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"

    @property
    def terminal(self) -> bool:
        return self not in {ObjectState.PENDING, ObjectState.CLAIMED}


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object version as S3 itself describes it; `arrived_at` is ISO 8601 in UTC, `size` in bytes."""

    key: str
    version: str
    etag: str
    size: int
    sequencer: str
    arrived_at: str

    @property
    def id(self) -> str:
        return ObjectVersion(self.key, self.version).id


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """Everything known about one object version; `run` is the run that holds or judged it.

    `message` is the receipt of the message that brought it, `sha256` what its batch's manifest says of it, `reason` why
    it was refused, `tries` how often its judging began without coming to an end, `crash` what was heard of the last.
    `rejected` rows of an accepted object were taken out and lie in quarantine; its `rows` are those that stayed.
    """

    key: str
    version: str
    id: str
    etag: str
    size: int
    arrived_at: str
    state: ObjectState
    sequencer: str = ""
    batch: str | None = None
    run: str | None = None
    curated: str | None = None
    rows: int | None = None
    verdict: str | None = None
    ended_at: str | None = None
    deleted_at: str | None = None
    message: str | None = None
    sha256: str | None = None
    reason: str | None = None
    tries: int = 0
    crash: str | None = None
    rejected: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedObject:
    """One object of the data window, oldest first; `event_from` and `event_to` are ISO 8601 or None."""

    id: str
    key: str
    version: str
    curated: str
    rows: int
    verdict: str
    arrived_at: str
    event_from: str | None = None
    event_to: str | None = None
    sequencer: str = ""


class Cause(StrEnum):
    """Why a run is asked for; `data` is never asked for: it is what waiting objects are."""

    DATA = "data"
    CODE = "code"
    PERSON = "person"
    SCHEDULE = "schedule"
    DRIFT = "drift"
    CHAMPION_CHANGED = "champion changed"
    RETRY = "retry"
    SUCCESSOR = "successor"


@dataclass(frozen=True, slots=True)
class Request:
    """A wish for a retrain other than by data; the same `key` is the same wish. `commit` is the code's, where known."""

    key: str
    cause: Cause
    reason: str
    at: str
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How far a request has come: `state` is pending, claimed or done; `run` took it, or answered it."""

    state: str
    run: str | None = None


class Comparison(StrEnum):
    """What a deployment's code means for one model, compared with its champion."""

    ASKED = "retrain asked"
    SAME = "same as the champion"
    TRIED = "already tried"


@dataclass(frozen=True, slots=True)
class Announced:
    """One model's code at one deployment; `key` names the request that was made, `run` the one that tried it before.

    `champion` is the version that it was compared with, 0 for none.
    """

    commit: str
    at: str
    outcome: Comparison
    reason: str
    champion: int = 0
    key: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What no run has finished; `fresh` says whether any of it was never tried by a run that failed."""

    objects: tuple[ObjectVersion, ...]
    requests: tuple[Request, ...]
    fresh: bool

    def __bool__(self) -> bool:
        return bool(self.objects or self.requests)


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

    `job` is the training job's name, which an earlier attempt may have begun, `evaluation` the processing job's.
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
class ClaimedObject:
    """One object of a claim with its present state."""

    key: str
    version: str
    id: str
    size: int
    etag: str
    state: ObjectState
    arrived_at: str
    sha256: str | None = None
    tries: int = 0
    crash: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What one run took upon itself: objects in the order of their arrival, and requests."""

    objects: tuple[ClaimedObject, ...]
    requests: tuple[Request, ...]

    @property
    def causes(self) -> tuple[Cause, ...]:
        return tuple(dict.fromkeys(request.cause for request in self.requests))


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """What an endpoint serves (`version` 0: nothing yet), who is changing it, and versions that never serve again."""

    version: int = 0
    config: str = ""
    token: int = 0
    owner: str | None = None
    withdrawn: tuple[int, ...] = ()
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """One attempt to deploy a version; `verdict` is a rollout's outcome, `previous` the config that served before."""

    version: int
    attempt: int
    package: str
    verdict: str
    reason: str
    at: str
    config: str = ""
    previous: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message or an object that Retide will not take, with the reason and the message itself."""

    subject: str
    reason: str
    at: str
    message: Mapping[str, Any] = field(default_factory=dict)
