"""A model card: what a model is for, what it learned from and how it did, in the form of the registry's schema."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from retide.domain.contract import Contract
from retide.domain.contract_metric import Direction
from retide.domain.evaluation import Evaluation, Segment
from retide.domain.record import Verdict

LIMIT: Final = 100_000
"""Characters of ModelCardContent; the other limits are those of the schema that AWS publishes for it."""
TEXT: Final = 2048
SHORT: Final = 1024
TITLE: Final = 63
NAME: Final = 255
PARAMETERS: Final = 100
FEATURES: Final = 20

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about; `facts` are the registry's short texts about it, addresses are URIs."""

    contract: Contract
    verdict: Verdict
    evaluation: Evaluation
    run: str
    artefact: str
    dataset: str
    image: str
    facts: Mapping[str, str]


def card(subject: Subject) -> str:
    """ModelCardContent: one line of JSON within the limit, with the first segments where there are too many."""
    shown = len(subject.evaluation.segments)
    while True:
        text = json.dumps(content(subject, shown), separators=(",", ":"))
        if len(text) <= LIMIT:
            return text
        shown //= 2


def content(subject: Subject, segments: int) -> Json:
    """The card with the first so many segments."""
    contract, facts = subject.contract, subject.facts
    return {
        "model_overview": {"model_creator": _cut(f"Retide, run {subject.run}"), "model_artifact": [subject.artefact]},
        "intended_uses": {
            "purpose_of_model": _cut(_purpose(contract), TEXT),
            "factors_affecting_model_efficiency": _cut(_factors(contract), TEXT),
            "risk_rating": "Unknown",
        },
        "training_details": _training(subject),
        "evaluation_details": [_evaluation(subject, segments)],
        "additional_information": {
            "caveats_and_recommendations": _cut(_caveats(subject.verdict), TEXT),
            "custom_details": {name: _cut(value) for name, value in facts.items()},
        },
    }


def _purpose(contract: Contract) -> str:
    return f"Predicts {contract.target} ({contract.task.value}) from {len(contract.features)} columns."


def _factors(contract: Contract) -> str:
    if not contract.segments:
        return "The contract names no segments: the model is judged as a whole."
    return f"Judged by itself for each value of: {', '.join(contract.segments)}."


def _caveats(verdict: Verdict) -> str:
    broken = [str(finding) for finding in verdict.findings if not finding.passed]
    return "; ".join(broken) or "Every rule of the gate passed."


def _training(subject: Subject) -> Json:
    contract = subject.contract
    parameters = list(contract.params.items())[:PARAMETERS]
    maximise = contract.metric.direction is Direction.MAXIMIZE
    return {
        "objective_function": {
            "function": {
                "function": "Maximize" if maximise else "Minimize",
                "facet": _cut(contract.metric.name, TITLE),
            },
            "notes": "The metric that the gate decides by; the estimator has an objective of its own.",
        },
        "training_observations": _cut(f"Training job {subject.verdict.job}, seed {contract.training.seed}."),
        "training_job_details": {
            "training_datasets": [_cut(subject.dataset)],
            "training_environment": {"container_image": [_cut(subject.image)]},
            "user_provided_hyper_parameters": [
                {"name": _cut(name, NAME), "value": _cut(str(value), NAME) or "-"} for name, value in parameters
            ],
        },
    }


def _evaluation(subject: Subject, segments: int) -> Json:
    found, told = subject.evaluation, subject.evaluation.segments[:segments]
    left = len(found.segments) - len(told)
    more = f" {left} more segments are in the evaluation itself." if left else ""
    return {
        "name": "holdout",
        "evaluation_observation": f"The gate's decision: {subject.verdict.outcome}.{more}",
        "datasets": [_cut(subject.dataset)],
        "metadata": {
            "rows": str(found.holdout_rows),
            "artefact sha256": found.challenger.artefact_digest,
            "evaluation sha256": subject.verdict.evaluation_digest,
        },
        "metric_groups": list(_groups(found, told)),
    }


def _groups(found: Evaluation, segments: tuple[Segment, ...]) -> Iterator[Json]:
    yield _group("challenger", found.challenger.metrics)
    yield _group("challenger latency, ms", found.challenger.latency_ms)
    if found.challenger.threshold:
        cut = found.challenger.threshold
        yield _group("decision threshold", {f"{cut.label}, by {cut.by}": cut.value})
    if found.challenger.interval:
        yield _group("prediction interval", asdict(found.challenger.interval))
    if found.importance:
        told_of = {one.feature: one.mean for one in found.importance[:FEATURES]}
        yield _group(f"loss of {found.metric} where a feature is shuffled", told_of)
    if found.champion:
        yield _group("champion", found.champion.metrics)
    if found.gain:
        gain = found.gain
        yield _group(
            f"gain in {found.metric}",
            {"estimate": gain.estimate, "low": gain.low, "high": gain.high, "confidence": gain.confidence},
        )
    if found.baseline:
        yield _group("constant prediction", found.baseline)
    if segments:
        yield _group(
            f"{found.metric} by segment", {f"{one.name} ({one.rows} rows)": one.challenger for one in segments}
        )


def _group(name: str, figures: Mapping[str, Any]) -> Json:
    """What is no finite number has no place in JSON."""
    kept = {key: value for key, value in figures.items() if isinstance(value, int | float) and math.isfinite(value)}
    data = [{"name": _cut(key, NAME).strip() or "-", "type": "number", "value": value} for key, value in kept.items()]
    return {"name": _cut(name, TITLE), "metric_data": data}


def _cut(text: str, limit: int = SHORT) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
