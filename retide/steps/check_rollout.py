"""Check rollout: does the endpoint serve the new version, and does it answer as the evaluation recorded?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retide.domain import layout
from retide.domain.evaluation import Golden, GoldenSet, read
from retide.domain.layout import RunId
from retide.domain.package import Facts
from retide.domain.rollout import Health, differences
from retide.ports import Endpoints, EndpointState, InvocationFailed, Objects, Registry


@dataclass(frozen=True, slots=True)
class CheckRequest:
    model: str
    package_arn: str
    endpoint: str
    name: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    outcome: Health
    reason: str


def check_rollout(request: CheckRequest, *, endpoints: Endpoints, objects: Objects, registry: Registry) -> CheckResult:
    state = endpoints.describe(request.endpoint)
    trouble = _trouble(request, state)
    if trouble is not None:
        return trouble
    golden = _golden(request, objects, registry)
    wrong = _wrong_answers(request.endpoint, golden, endpoints)
    if wrong:
        return CheckResult(Health.WRONG_ANSWERS, wrong)
    return CheckResult(Health.HEALTHY, f"{len(golden)} golden records are answered as the evaluation recorded them")


def _trouble(request: CheckRequest, state: EndpointState | None) -> CheckResult | None:
    """After an automatic rollback the endpoint is in service, with the old config: the status alone says too little."""
    if state is None:
        return CheckResult(Health.FAILED, f"there is no endpoint {request.endpoint}")
    told = f": {state.failure}" if state.failure else ""
    if state.status != "InService":
        return CheckResult(Health.FAILED, f"the endpoint is {state.status}{told}")
    if state.config != request.name:
        return CheckResult(Health.ROLLED_BACK, f"SageMaker went back to {state.config}{told}")
    return None


def _golden(request: CheckRequest, objects: Objects, registry: Registry) -> tuple[Golden, ...]:
    run = Facts.from_properties(registry.describe(request.package_arn).facts).run
    key = layout.run(run, RunId.parse(run).model, "evaluation/golden.json")
    return read(GoldenSet, objects.get(key), objects.uri(key)).requests


def _wrong_answers(endpoint: str, golden: tuple[Golden, ...], endpoints: Endpoints) -> str:
    """The first departure from the recorded answers in words, or nothing."""
    try:
        body = json.dumps({"records": [dict(item.record) for item in golden]}).encode()
        answers = _predictions(endpoints.invoke(endpoint, body))
    except (InvocationFailed, ValueError) as error:
        return f"the endpoint does not answer the golden records: {error}"
    if len(answers) != len(golden):
        return f"the endpoint answers {len(golden)} golden records with {len(answers)} predictions"
    for index, (item, answer) in enumerate(zip(golden, answers, strict=True)):
        for difference in differences(item.prediction, answer):
            return f"golden record {index}: {difference}"
    return ""


def _predictions(answer: bytes) -> list[Any]:
    found = json.loads(answer)
    predictions = found.get("predictions") if isinstance(found, Mapping) else None
    if not isinstance(predictions, list):
        raise ValueError(f"the answer has no list of predictions: {answer[:200]!r}")
    return predictions
