"""Check rollout: does an endpoint serve the new version, and answer as the evaluation recorded, and in time?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from retide.domain import layout
from retide.domain.contract import Contract
from retide.domain.evaluation import Golden, GoldenSet, read
from retide.domain.hosting import VARIANT
from retide.domain.layout import RunId
from retide.domain.package import Facts
from retide.domain.rollout import Health, differences
from retide.ports import Endpoints, EndpointState, InvocationFailed, Objects, Registry
from retide.steps.rollout_plan import NOBODY, Beside

TIMED: Final = 5  # golden records that are asked one by one
LOAD: Final = 100  # requests that an endpoint on trial is asked at least
LOAD_SECONDS: Final = 30.0  # after which it is enough of them
CLIENTS: Final = 8  # at once, where the endpoint takes so many
UNTOUCHED: Final = "before it took any traffic: "


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """`name` is the config that `endpoint` should serve; with `trial`, that endpoint is there for this check only.

    `ab` is the A/B test that the config holds: then its challenger is asked as well.
    """

    model: str
    package_arn: str
    endpoint: str
    name: str
    trial: bool = False
    ab: Beside = NOBODY


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which variant of an endpoint is asked, for which package; None where it has one only."""

    endpoint: str
    package_arn: str
    variant: str | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    outcome: Health
    reason: str


@dataclass(frozen=True, slots=True)
class Checking:
    """The ports that a check works with, and the model's contract; `timer` is in seconds."""

    endpoints: Endpoints
    objects: Objects
    registry: Registry
    contract: Contract
    timer: Callable[[], float] = time.perf_counter


def check_rollout(request: CheckRequest, parts: Checking) -> CheckResult:
    """After a rollback of SageMaker's own the endpoint is in service with the old config: a status says too little."""
    found = _trouble(request, parts.endpoints.describe(request.endpoint)) or _ask(request, parts)
    if not request.trial or found.outcome is Health.HEALTHY:
        return found
    outcome = Health.UNSTARTED if found.outcome is Health.FAILED else found.outcome
    return CheckResult(outcome, f"{UNTOUCHED}{found.reason}")


def _trouble(request: CheckRequest, state: EndpointState | None) -> CheckResult | None:
    if state is None:
        return CheckResult(Health.FAILED, f"there is no endpoint {request.endpoint}")
    told = f": {state.failure}" if state.failure else ""
    if state.status != "InService":
        return CheckResult(Health.FAILED, f"the endpoint is {state.status}{told}")
    if state.config != request.name:
        return CheckResult(Health.ROLLED_BACK, f"SageMaker went back to {state.config}{told}")
    return None


def _ask(request: CheckRequest, parts: Checking) -> CheckResult:
    """The version, and where there is one its challenger; a shadow cannot be asked, and nobody hears it."""
    if not request.ab.variant:
        return _ask_one(_Asked(request.endpoint, request.package_arn, trial=request.trial), parts)
    found = _ask_one(_Asked(request.endpoint, request.package_arn, VARIANT), parts)
    if found.outcome is not Health.HEALTHY:
        return found
    beside = _ask_one(_Asked(request.endpoint, request.ab.package_arn, request.ab.variant), parts)
    said = f"the challenger, version {request.ab.challenger}: {beside.reason}"
    return CheckResult(beside.outcome, said if beside.outcome is not Health.HEALTHY else f"{found.reason}; {said}")


def _ask_one(asked: _Asked, parts: Checking) -> CheckResult:
    """All golden records at once for their answers, which also warms it up; then some, one by one, for the time."""
    golden = _golden(asked.package_arn, parts.objects, parts.registry)
    wrong = _wrong_answers(asked, golden, parts.endpoints)
    if wrong:
        return CheckResult(Health.WRONG_ANSWERS, wrong)
    try:
        took = [_seconds(asked, item, parts) * 1000 for item in golden[:TIMED]]
    except InvocationFailed as error:
        return CheckResult(Health.WRONG_ANSWERS, f"the endpoint does not answer the golden records: {error}")
    typical, limit = median(took or [0.0]), parts.contract.serving.answer_ms
    if typical > limit:
        said = f"a golden record takes {typical:.0f} ms to be answered (the median of {len(took)})"
        return CheckResult(Health.SLOW, f"{said}; at most {limit} ms are allowed")
    failed = _under_load(asked, golden, parts) if asked.trial else ""
    if failed:
        return CheckResult(Health.WRONG_ANSWERS, f"under load, {failed}")
    return CheckResult(
        Health.HEALTHY,
        f"{len(golden)} golden records are answered as the evaluation recorded them, one in {typical:.1f} ms",
    )


def _under_load(asked: _Asked, golden: tuple[Golden, ...], parts: Checking) -> str:
    """Golden records again and again, as many at once as the endpoint takes: the first trouble in words, or nothing."""
    with ThreadPoolExecutor(min(parts.contract.serving.max_concurrency, CLIENTS)) as clients:
        for some in _rounds(golden, parts.timer):
            for found in clients.map(lambda known: _wrong_answer(asked, known, parts.endpoints), enumerate(some)):
                if found:
                    return found
    return ""


def _rounds(golden: tuple[Golden, ...], timer: Callable[[], float]) -> Iterator[tuple[Golden, ...]]:
    """All of them each time, until it is enough."""
    asked, end = 0, timer() + LOAD_SECONDS
    while golden and asked < LOAD and timer() < end:
        yield golden
        asked += len(golden)


def _wrong_answer(asked: _Asked, known: tuple[int, Golden], endpoints: Endpoints) -> str:
    return _wrong_answers(asked, known[1:], endpoints, known[0])


def _seconds(asked: _Asked, item: Golden, parts: Checking) -> float:
    body = json.dumps({"records": [dict(item.record)]}).encode()
    began = parts.timer()
    parts.endpoints.invoke(asked.endpoint, body, asked.variant)
    return parts.timer() - began


def _golden(package_arn: str, objects: Objects, registry: Registry) -> tuple[Golden, ...]:
    run = Facts.from_properties(registry.describe(package_arn).facts).run
    key = layout.run(run, RunId.parse(run).model, "evaluation/golden.json")
    return read(GoldenSet, objects.get(key), objects.uri(key)).requests


def _wrong_answers(asked: _Asked, golden: tuple[Golden, ...], endpoints: Endpoints, first: int = 0) -> str:
    """The first departure from the recorded answers in words, or nothing; `first` is the number of the first one."""
    try:
        body = json.dumps({"records": [dict(item.record) for item in golden]}).encode()
        answers = _predictions(endpoints.invoke(asked.endpoint, body, asked.variant))
    except (InvocationFailed, ValueError) as error:
        return f"the endpoint does not answer the golden records: {error}"
    if len(answers) != len(golden):
        return f"the endpoint answers {len(golden)} golden records with {len(answers)} predictions"
    for index, (item, answer) in enumerate(zip(golden, answers, strict=True), start=first):
        for difference in differences(item.prediction, answer):
            return f"golden record {index}: {difference}"
    return ""


def _predictions(answer: bytes) -> list[Any]:
    found = json.loads(answer)
    predictions = found.get("predictions") if isinstance(found, Mapping) else None
    if not isinstance(predictions, list):
        raise ValueError(f"the answer has no list of predictions: {answer[:200]!r}")
    return predictions
