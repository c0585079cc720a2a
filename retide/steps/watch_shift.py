"""Watch shift: while traffic moves to a new version, tell the alarm how far its answers depart from the old one's."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from retide.domain.answers import Answer, departure
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
        for version, answer in _answers(line):
            by_version[version].append(answer)
    now = by_version.pop(str(request.version), [])
    before = [answer for answers in by_version.values() for answer in answers]
    found, counted = departure(before, now), (len(now), len(before))
    if found is None:
        return Watched("too few answers", 0.0, counted)
    told = found.excess if found.exceeds(parts.serving.shift_psi) else 0.0
    parts.metrics.tell("PredictionShift", told, {"EndpointName": request.endpoint})
    return Watched("told", round(told, 4), counted)


def _answers(line: bytes) -> Iterator[tuple[str, Answer]]:
    """The version that answered and each of its predictions; nothing of an answer that is none."""
    try:
        output = json.loads(line)["captureData"]["endpointOutput"]
        said = _data(output)
        predictions, version = said["predictions"], str(said["version"])
    except (ValueError, LookupError, TypeError):
        return
    for prediction in predictions:
        if isinstance(prediction, Mapping):
            yield version, prediction


def _data(output: Mapping[str, Any]) -> Any:
    data = output["data"]
    return json.loads(base64.b64decode(data) if output.get("encoding") == "BASE64" else data)
