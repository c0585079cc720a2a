"""The gate's rules: what each asks, what it says of what it saw, and where exactly it turns."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import pytest

from retide.domain.case import Case
from retide.domain.comparison import DataDrift
from retide.domain.contract import METRICS, Budgets, Direction, Evidence, Metric, Task
from retide.domain.contract_rules import Drift
from retide.domain.evaluation import Segment
from retide.domain.gate import POWER, ROUNDING, RULES, Finding, Outcome, decide
from retide.domain.severity import Severity
from tests.unit.domain.gate_cases import ERROR, case, gained, metric, segment

SUPERIOR = Evidence.SUPERIOR


def found(judged: Case, rule: str) -> Finding:
    (finding,) = (finding for finding in decide(judged).findings if finding.rule == rule)
    return finding


def told(judged: Case) -> set[str]:
    return {finding.rule for finding in decide(judged).findings}


# ---------------------------------------------------------------- a model to serve at all


def test_a_first_model_above_the_floor_is_accepted_and_nothing_is_said_of_a_champion() -> None:
    judged = case(0.9, rule=metric(floor=0.9))
    assert decide(judged).outcome is Outcome.ACCEPTED
    assert told(judged) == {"floor"}


def test_a_model_below_the_floor_is_rejected_though_it_beats_the_champion() -> None:
    decision = decide(case(0.75, 0.7, rule=metric(floor=0.8)))
    assert decision.outcome is Outcome.REJECTED
    assert decision.reasons == ("floor: expected roc_auc ≥ 0.8, seen 0.75",)


def test_for_a_loss_the_floor_is_a_ceiling() -> None:
    rule = metric(Direction.MINIMIZE, floor=0.5)
    assert decide(case(0.4, rule=rule)).outcome is Outcome.ACCEPTED
    assert decide(case(0.6, rule=rule)).reasons == ("floor: expected log_loss ≤ 0.5, seen 0.6",)
    assert decide(case(0.6, rule=rule)).outcome is Outcome.REJECTED


@pytest.mark.parametrize("floor", [None, 0.5])
def test_no_score_is_no_model(floor: float | None) -> None:
    assert decide(case(math.nan, rule=metric(floor=floor))).outcome is Outcome.REJECTED


def test_without_a_floor_a_score_is_all_that_is_asked() -> None:
    finding = found(case(0.3), "floor")
    assert finding == Finding("floor", "a finite roc_auc", "0.3", passed=True, absolute=True)
    without = replace(case(0.9), metric=Metric("f1", Direction.MAXIMIZE))
    assert found(without, "floor") == Finding("floor", "a finite f1", "nan", passed=False, absolute=True)


@pytest.mark.parametrize(("direction", "better"), [(Direction.MAXIMIZE, 0.6), (Direction.MINIMIZE, 0.4)])
def test_a_model_that_knows_no_more_than_a_constant_is_rejected(direction: Direction, better: float) -> None:
    rule = metric(direction)
    expected = f"{rule.name} better than 0.5, which a constant answer reaches"
    same = case(0.5, baseline=0.5, rule=rule)
    assert found(same, "baseline") == Finding("baseline", expected, "0.5", passed=False, absolute=True)
    assert decide(same).outcome is Outcome.REJECTED
    assert decide(case(1 - better, baseline=0.5, rule=rule)).outcome is Outcome.REJECTED
    assert found(case(better, baseline=0.5, rule=rule), "baseline").passed


def test_without_a_constant_answer_nothing_is_said_of_it() -> None:
    assert "baseline" not in told(case(0.5)) | told(case(0.5, baseline=math.nan))


# ---------------------------------------------------------------- the margin


@pytest.mark.parametrize(("low", "accepted"), [(-0.06, False), (-0.05, True), (-0.05 - ROUNDING, True), (0.01, True)])
def test_a_challenger_that_surely_loses_no_more_than_the_margin_gives_newer_data_their_turn(
    low: float, accepted: bool
) -> None:
    judged = case(0.9, 0.9, gained(0.0, low))
    assert decide(judged).outcome is (Outcome.ACCEPTED if accepted else Outcome.KEPT)
    assert found(judged, "margin").expected == "a loss of at most 0.05 with 95% confidence"
    assert found(judged, "margin").seen == f"+0 [{low:+.4g}, +0.02]"


@pytest.mark.parametrize(
    ("low", "accepted"), [(0.02, False), (0.05, False), (0.05 + ROUNDING, True), (0.05 + 1e-9, True)]
)
def test_where_superiority_is_asked_even_the_lower_bound_must_gain_more_than_the_margin(
    low: float, accepted: bool
) -> None:
    judged = case(0.99, 0.9, gained(0.09, low), rule=metric(evidence=SUPERIOR))
    assert decide(judged).outcome is (Outcome.ACCEPTED if accepted else Outcome.KEPT)
    assert found(judged, "margin").expected == "a gain of more than 0.05 with 95% confidence"


def test_a_copy_of_the_champion_is_no_better_and_no_worse() -> None:
    same = gained(0.0, 0.0, 0.0, 0.0)
    assert decide(case(0.9, 0.9, same)).outcome is Outcome.ACCEPTED
    assert decide(case(0.9, 0.9, same, rule=metric(evidence=SUPERIOR, margin=0.0))).outcome is Outcome.KEPT


@pytest.mark.parametrize(("high", "accepted"), [(-1e-6, False), (-ROUNDING, True), (0.0, True), (0.1, True)])
def test_a_loss_within_the_margin_that_is_no_chance_is_not_borne(high: float, accepted: bool) -> None:
    judged = case(0.88, 0.9, gained(-0.02, -0.04, high))
    assert decide(judged).outcome is (Outcome.ACCEPTED if accepted else Outcome.KEPT)
    assert found(judged, "loss").expected == "no loss that is there with 95% confidence"
    assert found(judged, "loss").passed is accepted


def test_a_worse_challenger_is_kept_out_with_the_figures() -> None:
    decision = decide(case(0.875, 1.0, gained(-0.125, -0.25, -0.105)))
    assert decision.outcome is Outcome.KEPT
    assert decision.reasons == (
        "margin: expected a loss of at most 0.05 with 95% confidence, seen -0.125 [-0.25, -0.105]",
        "loss: expected no loss that is there with 95% confidence, seen -0.125 [-0.25, -0.105]",
    )


@pytest.mark.parametrize(
    ("direction", "champion", "baseline", "margin"),
    [
        (Direction.MAXIMIZE, 0.9, 0.5, 0.04),
        (Direction.MINIMIZE, 0.2, 0.7, 0.05),
        (Direction.MAXIMIZE, 0.4, 0.5, 0.0),
        (Direction.MAXIMIZE, 0.9, None, 0.0),
        (Direction.MAXIMIZE, None, 0.5, 0.0),
        (Direction.MAXIMIZE, math.nan, 0.5, 0.0),
    ],
)
def test_without_a_margin_it_is_a_tenth_of_the_champions_lead_over_a_constant(
    direction: Direction, champion: float | None, baseline: float | None, margin: float
) -> None:
    rule = metric(direction, margin=None, segment_loss=None)
    judged = case(0.8, champion, rule=rule, baseline=baseline)
    assert judged.margin == pytest.approx(margin)
    assert judged.segment_loss == pytest.approx(2 * margin)


def test_what_the_contract_says_is_not_derived() -> None:
    judged = case(0.8, 0.9, rule=metric(margin=0.0, segment_loss=0.0), baseline=0.5)
    assert (judged.margin, judged.segment_loss) == (0.0, 0.0)


def test_without_a_comparison_nobody_is_beaten_and_nobody_loses() -> None:
    judged = case(0.9, 0.8)
    alone = replace(judged, evaluation=replace(judged.evaluation, gain=None))
    assert told(alone) == {"floor"}


# ---------------------------------------------------------------- what the holdout can show


def test_a_holdout_that_shows_the_margin_is_said_to() -> None:
    assert found(case(0.9, 0.9), "resolution") == Finding(
        "resolution", "a holdout that shows a difference of 0.05 in 80% of the cases", "0.02486 with 100 rows", True
    )


def test_a_holdout_that_is_too_small_for_the_margin_is_told_with_the_rows_that_it_takes() -> None:
    judged = case(0.9, 0.9, gained(0.0, error=0.04))
    finding = found(judged, "resolution")
    assert (finding.passed, finding.warns, finding.absolute) == (False, True, False)
    assert finding.expected == "a holdout that shows a difference of 0.05 in 80% of the cases"
    assert finding.seen == "0.09946 with 100 rows; some 396 would do"
    assert decide(judged).outcome is Outcome.ACCEPTED
    assert decide(judged).reasons == ()


def test_a_holdout_on_the_very_edge_shows_the_margin() -> None:
    smallest = (NormalDist().inv_cdf(0.95) + NormalDist().inv_cdf(POWER)) * ERROR
    assert found(case(0.9, 0.9, rule=metric(margin=smallest)), "resolution").passed
    assert not found(case(0.9, 0.9, rule=metric(margin=smallest - 1e-6)), "resolution").passed


@pytest.mark.parametrize(("error", "margin"), [(None, 0.05), (0.01, 0.0)])
def test_nothing_is_said_of_the_holdout_where_there_is_nothing_to_compute(error: float | None, margin: float) -> None:
    rule = metric(margin=margin, evidence=SUPERIOR)
    assert "resolution" not in told(case(0.9, 0.8, gained(0.1, error=error), rule=rule))


# ---------------------------------------------------------------- segments


def test_a_segment_that_pays_for_the_whole_is_named() -> None:
    fell = gained(-0.2, -0.3, -0.1)
    segments = (segment("site=a", gained(0.05)), segment("site=b", fell), segment("site=c", None, champion=None))
    decision = decide(case(0.92, 0.9, segments=segments))
    assert decision.outcome is Outcome.KEPT
    expected = "segment site=b: expected roc_auc loses at most 0.05, or no more than chance explains"
    assert decision.reasons == (f"{expected}, seen -0.2 [-0.3, -0.1] (0.9 → 0.7, 40 rows)",)
    assert told(case(0.92, 0.9, segments=segments)) >= {"segment site=a", "segment site=b"}


@pytest.mark.parametrize(
    ("estimate", "high", "passed"),
    [
        (-0.2, 0.0, True),
        (-0.2, -ROUNDING, True),
        (-0.2, -1e-6, False),
        (-0.05, -0.01, True),
        (-0.05 - ROUNDING, -0.01, True),
        (-0.0501, -0.01, False),
    ],
)
def test_a_segment_falls_where_it_fell_too_far_and_not_by_chance(estimate: float, high: float, passed: bool) -> None:
    judged = case(0.92, 0.9, segments=(segment("a=1", gained(estimate, -0.4, high)),))
    assert found(judged, "segment a=1").passed is passed


@pytest.mark.parametrize(
    "unjudged",
    [
        segment("a=1", gained(-0.5, -0.6, -0.4), rows=29),
        segment("a=1", None),
        segment("a=1", gained(-0.5, -0.6, -0.4), champion=None),
    ],
)
def test_a_segment_of_few_rows_or_without_two_scores_is_not_judged(unjudged: Segment) -> None:
    later = segment("b=1", gained(-0.5, -0.6, -0.4), rows=30)
    judged = case(0.92, 0.9, segments=(unjudged, later))
    assert [rule for rule in told(judged) if rule.startswith("segment")] == ["segment b=1"]


def test_the_contract_says_how_many_rows_a_segment_needs() -> None:
    judged = case(0.92, 0.9, segments=(segment("a=1", gained(0.0), rows=29),), rule=metric(segment_rows=29))
    assert "segment a=1" in told(judged)


# ---------------------------------------------------------------- budgets


def budgeted(budgets: Budgets, **changes: Any) -> Case:
    judged = case(0.9, budgets=budgets)
    scores = replace(judged.evaluation.challenger, **changes)
    return replace(judged, evaluation=replace(judged.evaluation, challenger=scores))


@pytest.mark.parametrize(("seen", "passed"), [(1.5, True), (2.0, True), (2.1, False)])
def test_a_model_that_takes_too_long_is_rejected(seen: float, passed: bool) -> None:
    judged = budgeted(Budgets(latency_ms=2), latency_ms={"single_p50": 0.1, "single_p99": seen})
    assert found(judged, "latency") == Finding("latency", "99 of 100 rows within 2 ms", f"{seen:g} ms", passed, True)
    assert decide(judged).outcome is (Outcome.ACCEPTED if passed else Outcome.REJECTED)


def test_a_time_that_nobody_measured_is_not_within_a_budget() -> None:
    assert not found(budgeted(Budgets(latency_ms=2)), "latency").passed


@pytest.mark.parametrize(("size", "passed"), [(2**20, True), (3 * 2**19, True), (3 * 2**19 + 600, False)])
def test_a_model_that_is_too_large_is_rejected(size: int, passed: bool) -> None:
    judged = budgeted(Budgets(size_mib=1.5), size_bytes=size)
    seen = f"{size / 2**20:.4g} MiB"
    assert found(judged, "size") == Finding("size", "at most 1.5 MiB", seen, passed, absolute=True)


@pytest.mark.parametrize(("seen", "noise", "passed"), [(0.05, 0.05, True), (0.051, None, False), (0.08, 0.08, True)])
def test_a_model_that_is_not_calibrated_is_rejected(seen: float, noise: float | None, passed: bool) -> None:
    figures = {"roc_auc": 0.9, "calibration_error": seen}
    judged = budgeted(Budgets(calibration_error=0.05), metrics=figures, calibration_noise=noise)
    finding = found(judged, "calibration")
    raised = "0.08 (raised from 0.05, within the noise of 100 rows)" if noise == 0.08 else "0.05"
    assert finding.expected == f"a calibration error of at most {raised}"
    assert (finding.seen, finding.passed, finding.absolute) == (f"{seen:g}", passed, True)


def test_a_calibration_that_nobody_measured_is_not_within_a_budget() -> None:
    assert not found(budgeted(Budgets(calibration_error=0.5)), "calibration").passed


def test_without_budgets_nothing_is_said_of_them() -> None:
    assert told(case(0.9)) == {"floor"}


# ---------------------------------------------------------------- the champion and the data


@pytest.mark.parametrize(("score", "outcome"), [(0.9, Outcome.ACCEPTED), (0.4, Outcome.REJECTED)])
def test_a_champion_that_may_have_learned_the_holdout_is_no_rival_and_people_are_warned(
    score: float, outcome: Outcome
) -> None:
    judged = case(score, rule=metric(floor=0.5), skipped="rows by their hash were held out")
    decision = decide(replace(judged, evaluation=replace(judged.evaluation, champion_learned=True)))
    assert decision.outcome is outcome
    assert decision.findings[-1] == Finding(
        "champion",
        "a champion that did not learn from the holdout, to compare with",
        "rows by their hash were held out",
        passed=False,
        warns=True,
    )


def test_a_champion_that_cannot_be_scored_is_told_and_holds_nothing_back() -> None:
    decision = decide(case(0.9, skipped="its features differ: age"))
    assert decision.outcome is Outcome.ACCEPTED
    assert decision.findings[-1] == Finding(
        "champion", "a champion on the same columns", "its features differ: age", passed=True
    )


def drifted(auc: float, rows: int = 5000, features: tuple[str, ...] = ("age", "site"), **limits: Any) -> Case:
    found = DataDrift(auc, rows, rows, features)
    judged = case(0.9)
    return replace(judged, evaluation=replace(judged.evaluation, drift=found), drift=Drift(**limits))


def test_data_that_differs_as_a_whole_is_told_and_stops_no_model_that_only_warns() -> None:
    decision = decide(drifted(0.81, multivariate=0.75))
    assert (decision.outcome, decision.reasons) == (Outcome.ACCEPTED, ())
    finding = decision.findings[-1]
    assert (finding.rule, finding.passed, finding.warns, finding.absolute) == ("drift", False, True, False)
    assert finding.expected == "new data that an AUC of at most 0.75 tells from the champion's"
    assert finding.seen == "0.810 (5000 rows against 5000, most by age, site)"
    assert found(drifted(0.81, features=(), multivariate=0.75), "drift").seen == "0.810 (5000 rows against 5000)"


def test_data_that_differs_as_a_whole_rejects_where_the_contract_says_so() -> None:
    judged = drifted(0.81, multivariate=0.75, severity=Severity.REFUSE)
    assert decide(judged).outcome is Outcome.REJECTED
    assert not found(judged, "drift").warns


@pytest.mark.parametrize(("auc", "rows", "limit"), [(0.74, 5000, 0.75), (0.55, 500, 0.5), (0.99, 5000, None)])
def test_data_within_the_limit_or_the_noise_or_without_a_limit_passes(
    auc: float, rows: int, limit: float | None
) -> None:
    findings = decide(drifted(auc, rows, multivariate=limit)).findings
    assert all(finding.passed for finding in findings)
    assert len(findings) == (1 if limit is None else 2)


def test_data_that_nobody_compared_passes() -> None:
    assert told(replace(case(0.9), drift=Drift(multivariate=0.6))) == {"floor"}


def test_data_that_could_not_be_compared_is_told() -> None:
    judged = case(0.9)
    decision = decide(replace(judged, evaluation=replace(judged.evaluation, drift_skipped="only 3 rows")))
    assert decision.findings[-1] == Finding(
        "drift", "new data that can be compared with the champion's", "only 3 rows", passed=True
    )
    assert decision.outcome is Outcome.ACCEPTED


# ---------------------------------------------------------------- all rules together


def test_the_rules_can_be_chosen_and_are_all_asked_otherwise() -> None:
    judged = case(0.4, 0.9, baseline=0.5)
    assert [finding.rule for finding in decide(judged, RULES[:1]).findings] == ["floor"]
    assert len(decide(judged).findings) == len(decide(judged, RULES).findings) == 5


def test_every_metric_of_a_contract_has_a_direction_that_the_gate_knows() -> None:
    for task in Task:
        for name, direction in METRICS[task].items():
            better, worse = (0.8, 0.6) if direction is Direction.MAXIMIZE else (0.6, 0.8)
            rule = Metric(name, direction, margin=0.1)
            assert decide(case(better, worse, rule=rule)).outcome is Outcome.ACCEPTED
            assert decide(case(worse, better, rule=rule)).outcome is Outcome.KEPT
