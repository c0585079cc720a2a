"""A model card: whatever the model is, its card follows the registry's schema and fits, and says what was found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from retide.domain.contract import parse
from retide.domain.evaluation import Evaluation, Gain, Importance, Interval, Scores, Segment, Threshold
from retide.domain.gate import Finding
from retide.domain.model_card import LIMIT, Subject, card
from retide.domain.record import Verdict

SCHEMA = Draft7Validator(json.loads((Path(__file__).parent / "model_card.schema.json").read_text(encoding="utf-8")))
CONTRACT = {
    "task": "classification",
    "target": "ill",
    "columns": {"age": {"type": "integer"}, "ill": {"type": "category", "values": ["no", "yes"]}},
    "metric": {"name": "roc_auc"},
    "params": {"depth": 3},
}
TEXTS = st.text(max_size=3000)
FIGURES = st.dictionaries(st.text(max_size=300), st.floats(), max_size=20)


def evaluation(**changes: Any) -> Evaluation:
    scores = Scores("job", "a" * 64, {"roc_auc": 0.9}, {"p50": 1.5}, 1000, 0.0)
    whole = Evaluation("m", "classification", "d1", "roc_auc", "maximize", 50, scores)
    return replace(whole, **changes)


def subject(found: Evaluation, *findings: Finding, **facts: str) -> Subject:
    verdict = Verdict("accepted", findings, "job", "a" * 64, "d1", "roc_auc", 0.9, "e" * 64)
    places = ("s3://b/model.tar.gz", "s3://b/manifest.json", "image:1")
    return Subject(parse(CONTRACT, "m"), verdict, found, "m-1-1", *places, facts)


@given(figures=FIGURES, name=TEXTS, seen=TEXTS, value=TEXTS, segments=st.integers(0, 40))
def test_whatever_the_model_is_its_card_follows_the_schema(
    figures: dict[str, float], name: str, seen: str, value: str, segments: int
) -> None:
    scores = replace(evaluation().challenger, metrics=figures, latency_ms=figures)
    parts = tuple(Segment(name, 10, 0.5) for _ in range(segments))
    found = evaluation(challenger=scores, champion=scores, segments=parts, gain=Gain(0.1, 0.0, 0.2, 0.95))
    text = card(subject(found, Finding(name, seen, value, passed=False), fact=value))
    SCHEMA.validate(json.loads(text))
    assert len(text) <= LIMIT
    assert "\n" not in text


def test_what_the_model_says_from_when_on_and_what_it_learned_from_are_on_its_card() -> None:
    scores = replace(
        evaluation().challenger, threshold=Threshold(0.3, "yes", "f1", 90), interval=Interval(0.9, -1.0, 2.0, 90)
    )
    text = card(subject(evaluation(challenger=scores, importance=(Importance("age", 0.2, 0.01),))))
    SCHEMA.validate(json.loads(text))
    groups = json.loads(text)["evaluation_details"][0]["metric_groups"]
    told = {group["name"]: {one["name"]: one["value"] for one in group["metric_data"]} for group in groups}
    assert told["decision threshold"] == {"yes, by f1": 0.3}
    assert told["prediction interval"] == {"level": 0.9, "low": -1.0, "high": 2.0, "rows": 90}
    assert told["loss of roc_auc where a feature is shuffled"] == {"age": 0.2}


@pytest.mark.parametrize("count", [1, 5_000])
def test_of_more_segments_than_fit_the_first_are_told_and_how_many_are_not(count: int) -> None:
    parts = tuple(Segment(f"town = {n:0100}", 10, 0.5) for n in range(count))
    found = json.loads(card(subject(evaluation(segments=parts))))["evaluation_details"][0]
    told = len(found["metric_groups"][-1]["metric_data"])
    assert told == 1 if count == 1 else 100 < told < count
    assert (f"{count - told} more segments" in found["evaluation_observation"]) is (told < count)


def test_the_card_says_what_was_found_and_which_rules_were_broken() -> None:
    found = evaluation(baseline={"roc_auc": 0.5}, segments=(Segment("sex = f", 20, 0.8),))
    broken = Finding("floor", "roc_auc ≥ 0.95", "0.9", passed=False)
    said = json.loads(card(subject(found, broken, run="m-1-1")))
    groups = {group["name"]: group["metric_data"] for group in said["evaluation_details"][0]["metric_groups"]}
    assert groups["challenger"] == [{"name": "roc_auc", "type": "number", "value": 0.9}]
    assert groups["constant prediction"] == [{"name": "roc_auc", "type": "number", "value": 0.5}]
    assert groups["roc_auc by segment"] == [{"name": "sex = f (20 rows)", "type": "number", "value": 0.8}]
    assert "roc_auc ≥ 0.95" in said["additional_information"]["caveats_and_recommendations"]
    parameters = said["training_details"]["training_job_details"]["user_provided_hyper_parameters"]
    assert parameters == [{"name": "depth", "value": "3"}]


def test_what_does_not_follow_the_schema_is_found_out() -> None:
    assert not SCHEMA.is_valid({"model_overview": {"model_name": "m"}})
    assert not SCHEMA.is_valid({"evaluation_details": [{"metric_groups": []}]})
