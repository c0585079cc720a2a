"""Why runs are asked for, what came of a request, and what waits for a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from retide.domain.layout import ObjectVersion


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
