"""The gate's rules: what is better is never held back, what is worse never passes, whatever the order of the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.comparison import DataDrift
from retide.domain.contract import METRICS, Direction, Metric, Task
from retide.domain.contract_rules import Drift
from retide.domain.evaluation import Evaluation, Gain, Scores, Segment
from retide.domain.gate import RULES, Case, Outcome, Rule, decide
from retide.domain.severity import Severity

ORDERS = st.permutations(RULES)
SCORES = st.floats(0.0, 1.0)


def metric(direction: Direction = Direction.MAXIMIZE, floor: float | None = None, margin: float = 0.0) -> Metric:
    name = "roc_auc" if direction is Direction.MAXIMIZE else "log_loss"
    return Metric(name, direction, floor, margin, segment_loss=0.05)


def case(
    challenger: float,
    champion: float | None = None,
    low: float | None = None,
    *,
    rule: Metric | None = None,
    segments: tuple[Segment, ...] = (),
    baseline: float | None = None,
    skipped: str | None = None,
) -> Case:
    rule = rule or metric()
    gain = None
    if champion is not None:
        estimate = rule.sign * (challenger - champion)
        gain = Gain(estimate, estimate - 0.02 if low is None else low, estimate + 0.02, 0.95)
    evaluation = Evaluation(
        "m",
        "classification",
        "d",
        rule.name,
        rule.direction,
        100,
        _scores(rule.name, challenger),
        None if champion is None else _scores(rule.name, champion),
        gain,
        segments,
        None if baseline is None else {rule.name: baseline},
        skipped,
    )
    return Case(evaluation, rule)


def _scores(name: str, score: float) -> Scores:
    return Scores("job", "a", {name: score}, {}, 1, 0.0)


def test_a_first_model_above_the_floor_is_accepted() -> None:
    assert decide(case(0.9, rule=metric(floor=0.8))).outcome is Outcome.ACCEPTED


def test_a_model_below_the_floor_is_rejected_though_it_beats_the_champion() -> None:
    decision = decide(case(0.75, 0.7, rule=metric(floor=0.8)))
    assert decision.outcome is Outcome.REJECTED
    assert decision.reasons == ("floor: expected roc_auc ≥ 0.8, seen 0.75",)


def test_for_a_loss_the_floor_is_a_ceiling() -> None:
    rule = metric(Direction.MINIMIZE, floor=0.5)
    assert decide(case(0.4, rule=rule)).outcome is Outcome.ACCEPTED
    assert decide(case(0.6, rule=rule)).reasons == ("floor: expected log_loss ≤ 0.5, seen 0.6",)


def test_a_model_that_knows_no_more_than_a_constant_is_rejected() -> None:
    assert decide(case(0.5, baseline=0.5)).outcome is Outcome.REJECTED


def test_a_champion_of_the_same_quality_gives_way_to_newer_data() -> None:
    assert decide(case(0.9, 0.9)).outcome is Outcome.ACCEPTED


def test_a_worse_challenger_is_kept_out_with_the_figures() -> None:
    decision = decide(case(0.875, 1.0, low=-0.25))
    assert decision.outcome is Outcome.KEPT
    assert decision.reasons == (
        "margin: expected a gain of at least 0, seen -0.125 [-0.25, -0.105]",
        "worst case: expected no loss beyond 0.05 with 95% confidence, seen -0.125 [-0.25, -0.105]",
    )


def test_a_gain_that_may_as_well_be_a_great_loss_is_kept_out() -> None:
    decision = decide(case(0.91, 0.9, low=-0.2))
    assert decision.outcome is Outcome.KEPT
    assert "worst case: expected no loss beyond 0.05 with 95% confidence" in decision.reasons[0]


def test_a_gain_below_the_margin_is_kept_out() -> None:
    assert decide(case(0.91, 0.9, rule=metric(margin=0.02))).outcome is Outcome.KEPT
    assert decide(case(0.93, 0.9, rule=metric(margin=0.02))).outcome is Outcome.ACCEPTED


def test_a_segment_that_pays_for_the_whole_is_named() -> None:
    segments = (Segment("site=a", 40, 0.95, 0.9), Segment("site=b", 12, 0.7, 0.9), Segment("site=c", 10, 0.5, None))
    decision = decide(case(0.92, 0.9, segments=segments))
    assert decision.outcome is Outcome.KEPT
    assert decision.reasons == ("segment site=b: expected roc_auc loses at most 0.05, seen -0.2 (0.9 → 0.7, 12 rows)",)


def test_a_champion_that_cannot_be_scored_is_told_and_holds_nothing_back() -> None:
    decision = decide(case(0.9, skipped="its features differ: age"))
    assert decision.outcome is Outcome.ACCEPTED
    assert decision.findings[-1].seen == "its features differ: age"


@pytest.mark.parametrize("floor", [None, 0.5])
def test_no_score_is_no_model(floor: float | None) -> None:
    assert decide(case(math.nan, rule=metric(floor=floor))).outcome is Outcome.REJECTED


@given(
    champion=SCORES,
    gained=st.floats(0.001, 0.5),
    margin=st.floats(0.0, 0.2),
    direction=st.sampled_from(Direction),
    order=ORDERS,
)
def test_a_challenger_better_beyond_the_margin_is_accepted_whatever_the_order(
    champion: float, gained: float, margin: float, direction: Direction, order: Sequence[Rule]
) -> None:
    rule = metric(direction, margin=margin)
    challenger = champion + rule.sign * (margin + gained)
    assert decide(case(challenger, champion, low=margin, rule=rule), order).outcome is Outcome.ACCEPTED


@given(champion=SCORES, lost=st.floats(0.0001, 0.5), direction=st.sampled_from(Direction), order=ORDERS)
def test_a_worse_challenger_is_never_accepted_whatever_the_order(
    champion: float, lost: float, direction: Direction, order: Sequence[Rule]
) -> None:
    rule = metric(direction)
    assert decide(case(champion - rule.sign * lost, champion, rule=rule), order).outcome is not Outcome.ACCEPTED


@given(
    challenger=SCORES | st.just(math.nan),
    champion=st.none() | SCORES,
    low=st.none() | st.floats(-1, 1),
    floor=st.none() | SCORES,
    baseline=st.none() | SCORES,
    direction=st.sampled_from(Direction),
    order=ORDERS,
)
def test_the_order_of_the_rules_changes_nothing(
    challenger: float,
    champion: float | None,
    low: float | None,
    floor: float | None,
    baseline: float | None,
    direction: Direction,
    order: Sequence[Rule],
) -> None:
    given_case = case(challenger, champion, low, rule=metric(direction, floor), baseline=baseline)
    one, other = decide(given_case), decide(given_case, order)
    assert one.outcome is other.outcome
    assert sorted(one.reasons) == sorted(other.reasons)
    assert (one.outcome is Outcome.ACCEPTED) == (one.reasons == ())


def test_every_metric_of_a_contract_has_a_direction_that_the_gate_knows() -> None:
    for task in Task:
        for name, direction in METRICS[task].items():
            better, worse = (0.8, 0.6) if direction is Direction.MAXIMIZE else (0.6, 0.8)
            rule = Metric(name, direction)
            assert decide(case(better, worse, rule=rule)).outcome is Outcome.ACCEPTED
            assert decide(case(worse, better, rule=rule)).outcome is Outcome.KEPT


def drifted(auc: float, rows: int = 5000, **limits: Any) -> Case:
    found = DataDrift(auc, rows, rows, ("age", "site"))
    judged = case(0.9)
    return replace(judged, evaluation=replace(judged.evaluation, drift=found), drift=Drift(**limits))


def test_data_that_differs_as_a_whole_is_told_and_stops_no_model_that_only_warns() -> None:
    decision = decide(drifted(0.81, multivariate=0.75))
    assert (decision.outcome, decision.reasons) == (Outcome.ACCEPTED, ())
    finding = decision.findings[-1]
    assert (finding.rule, finding.passed, finding.warns) == ("drift", False, True)
    assert finding.expected == "new data that an AUC of at most 0.75 tells from the champion's"
    assert finding.seen == "0.810 (5000 rows against 5000, most by age, site)"


def test_data_that_differs_as_a_whole_rejects_where_the_contract_says_so() -> None:
    decision = decide(drifted(0.81, multivariate=0.75, severity=Severity.REFUSE))
    assert decision.outcome is Outcome.REJECTED


@pytest.mark.parametrize(("auc", "rows", "limit"), [(0.74, 5000, 0.75), (0.55, 500, 0.5), (0.99, 5000, None)])
def test_data_within_the_limit_or_the_noise_or_without_a_limit_passes(
    auc: float, rows: int, limit: float | None
) -> None:
    findings = decide(drifted(auc, rows, multivariate=limit)).findings
    assert all(finding.passed for finding in findings)


def test_data_that_could_not_be_compared_is_told() -> None:
    judged = case(0.9)
    decision = decide(replace(judged, evaluation=replace(judged.evaluation, drift_skipped="only 3 rows")))
    assert decision.findings[-1].seen == "only 3 rows"
    assert decision.outcome is Outcome.ACCEPTED
