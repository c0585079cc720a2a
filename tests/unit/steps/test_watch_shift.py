"""Watch shift: answers of a version that is coming, against those of the one that serves."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from retide.domain.contract import Serving
from retide.steps.watch_shift import Watched, Watching, WatchRequest, watch_shift
from tests.fakes import FakeClock


@dataclass
class FakeCaptures:
    captured: list[bytes] = field(default_factory=list)
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    def lines(self, prefix: str, since: datetime) -> Iterator[bytes]:
        self.asked.append((prefix, since))
        yield from self.captured


@dataclass
class FakeMetrics:
    told: list[tuple[str, float, Mapping[str, str]]] = field(default_factory=list)

    def tell(self, name: str, value: float, about: Mapping[str, str]) -> None:
        self.told.append((name, value, about))


@dataclass
class Scene:
    captures: FakeCaptures = field(default_factory=FakeCaptures)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    clock: FakeClock = field(default_factory=FakeClock)

    def answered(self, version: int, predictions: list[dict[str, Any]], *, encoded: bool = False) -> None:
        body = json.dumps({"version": str(version), "predictions": predictions})
        data = base64.b64encode(body.encode()).decode() if encoded else body
        output = {"data": data, "encoding": "BASE64" if encoded else "JSON"}
        self.captures.captured.append(json.dumps({"captureData": {"endpointOutput": output}}).encode())

    def watch(self) -> Watched:
        return watch_shift(
            WatchRequest("m", 2, "retide-dev-m"), Watching(self.captures, self.metrics, self.clock, Serving())
        )


def labels(chance: random.Random, rows: int, share: float) -> list[dict[str, Any]]:
    drawn = [chance.random() < share for _ in range(rows)]
    return [{"label": "yes" if one else "no", "probability": 0.5 + 0.4 * chance.random()} for one in drawn]


def values(chance: random.Random, rows: int, share: float) -> list[dict[str, Any]]:
    return [{"value": chance.gauss(share * 10, 1)} for _ in range(rows)]


@pytest.mark.parametrize("kind", [labels, values])
@pytest.mark.parametrize(("share", "rings"), [(0.3, False), (0.9, True)])
def test_what_is_told_exceeds_the_limit_only_where_answers_really_depart(
    kind: Callable[[random.Random, int, float], list[dict[str, Any]]], share: float, rings: bool
) -> None:
    scene, chance = Scene(), random.Random(4)
    scene.answered(1, kind(chance, 300, 0.3))
    scene.answered(2, kind(chance, 100, share), encoded=True)
    done = scene.watch()
    ((name, value, about),) = scene.metrics.told
    assert (name, about) == ("PredictionShift", {"EndpointName": "retide-dev-m"})
    assert (value > Serving().shift_psi, value == 0) == (rings, not rings)
    assert (done.outcome, done.answers) == ("told", (100, 300))


def test_few_answers_say_nothing() -> None:
    scene, chance = Scene(), random.Random(4)
    scene.answered(1, labels(chance, 300, 0.3))
    scene.answered(2, labels(chance, 49, 1.0))
    assert scene.watch() == Watched("too few answers", 0.0, (49, 300))
    assert scene.metrics.told == []


def test_captures_are_read_as_far_back_as_both_versions_may_have_been_asked() -> None:
    scene = Scene()
    scene.watch()
    ((prefix, since),) = scene.captures.asked
    assert prefix == "captures/m/retide-dev-m/AllTraffic/"
    seconds = 2 * Serving().bake_seconds
    assert timedelta(seconds=seconds) <= scene.clock.now() - since < timedelta(seconds=seconds + 3)


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{", b'{"captureData": {}}', b'{"captureData": {"endpointOutput": {"data": "x"}}}']
)
def test_what_is_no_answer_is_left_out(line: bytes) -> None:
    scene = Scene()
    scene.captures.captured.append(line)
    assert scene.watch().answers == (0, 0)
