"""Which rows are held out: by time where every row has one, or as the contract says; and who may be compared."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from retide.domain.contract import Contract, parse
from retide.domain.dataset import rules_digest
from retide.domain.split import split_of
from tests.unit.churn import CHURN

PLAIN = {name: value for name, value in CHURN.items() if name != "holdout_days"}
SOMETIMES = {**CHURN["columns"], "seen_at": {"type": "timestamp", "nullable": True}}
WIDER = {**CHURN["columns"], "age": {"type": "integer"}}
OTHER = {**CHURN["columns"], "customer": {"type": "integer"}}


def contract(changes: dict[str, Any] | None = None) -> Contract:
    return parse({**PLAIN, **(changes or {})}, "churn")


def written(rules: Contract) -> Any:
    """As a model's manifest has it."""
    return json.loads(json.dumps(asdict(split_of(rules))))


@pytest.mark.parametrize(
    ("changes", "days", "said"),
    [
        ({}, 5, "the newest 0.2 of each 5 days by seen_at"),
        ({"holdout_days": 30, "holdout": 0.1}, 30, "the newest 0.1 of each 30 days by seen_at"),
        ({"holdout_days": 0}, None, "0.2 of the rows by a hash of customer"),
        ({"holdout_days": None}, 5, "the newest 0.2 of each 5 days by seen_at"),
        ({"columns": SOMETIMES}, None, "0.2 of the rows by a hash of customer"),
        ({"event_time": None}, None, "0.2 of the rows by a hash of customer"),
        ({"event_time": None, "id": []}, None, "0.2 of the rows by a hash of plan, months, spend and 1 more columns"),
    ],
)
def test_an_event_time_in_every_row_splits_by_time_unless_the_contract_says_otherwise(
    changes: dict[str, Any], days: int | None, said: str
) -> None:
    rules = contract(changes)
    assert rules.period == days
    assert str(split_of(rules)) == said


@pytest.mark.parametrize(
    ("before", "now", "apart"),
    [
        ({}, {}, False),
        ({}, {"holdout": 0.3}, False),
        ({}, {"columns": WIDER}, False),
        ({"holdout_days": 0}, {"holdout_days": 0, "columns": WIDER}, False),
        ({}, {"holdout_days": 7}, True),
        ({"holdout_days": 0}, {}, True),
        ({}, {"holdout_days": 0}, True),
        ({"holdout_days": 0}, {"holdout_days": 0, "id": ["customer", "plan"]}, True),
        ({"holdout_days": 0}, {"holdout_days": 0, "columns": OTHER}, True),
        ({"holdout_days": 0, "id": []}, {"holdout_days": 0, "id": [], "columns": WIDER}, True),
    ],
)
def test_a_model_of_another_split_may_know_the_holdout_and_a_model_of_another_share_does_not(
    before: dict[str, Any], now: dict[str, Any], apart: bool
) -> None:
    reason = split_of(contract(now)).apart(written(contract(before)))
    assert (reason is not None) is apart
    assert (rules_digest(contract(now)) != rules_digest(contract(before))) or not apart
    if reason:
        assert str(split_of(contract(before))) in reason
        assert str(split_of(contract(now))) in reason


def test_a_model_of_before_splits_were_recorded_held_rows_out_by_their_hash() -> None:
    assert split_of(contract({"holdout_days": 0})).apart(None) is None
    assert "before splits were recorded" in (split_of(contract()).apart(None) or "")
