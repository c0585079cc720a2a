"""Watch shift: while traffic moves to a new version, tell the alarm how far its answers depart from the old one's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from retide.domain.answers import Answer, departure
from retide.domain.captured import read
from retide.domain.contract import Serving
from retide.domain.hosting import CAPTURES, VARIANT
from retide.ports import Captures, Clock, Metrics


@dataclass(frozen=True, slots=True)
class WatchRequest:
    model: str
    version: int
    endpoint: str


@dataclass(frozen=True, slots=True)
class Watched:
    """`shift` is what was told, in units of PSI; `answers` are those of the new version and of others."""

    outcome: str
    shift: float = 0.0
    answers: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Watching:
    """The ports that watching works with, and how the model is served."""

    captures: Captures
    metrics: Metrics
    clock: Clock
    serving: Serving


def watch_shift(request: WatchRequest, parts: Watching) -> Watched:
    """Both versions are asked by the same clients in the same minutes: what differs is the version.

    An index within what chance brings about is told as 0.
    """
    since = parts.clock.now() - timedelta(seconds=2 * parts.serving.bake_seconds)
    by_version: dict[str, list[Answer]] = defaultdict(list)
    for line in parts.captures.lines(f"{CAPTURES}{request.model}/{request.endpoint}/{VARIANT}/", since):
        if found := read(line):
            by_version[found.version].extend(found.predictions)
    now = by_version.pop(str(request.version), [])
    before = [answer for answers in by_version.values() for answer in answers]
    shift, counted = departure(before, now), (len(now), len(before))
    if shift is None:
        return Watched("too few answers", 0.0, counted)
    told = shift.excess if shift.exceeds(parts.serving.shift_psi) else 0.0
    parts.metrics.tell("PredictionShift", told, {"EndpointName": request.endpoint})
    return Watched("told", round(told, 4), counted)
