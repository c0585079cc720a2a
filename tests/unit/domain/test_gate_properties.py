"""The gate as a whole: what is better is never held back, what is worse never passes, whatever the order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retide.domain.case import Case
from retide.domain.contract import Direction, Evidence
from retide.domain.evaluation import Gain
from retide.domain.gate import RULES, Outcome, Rule, decide
from tests.unit.domain.gate_cases import case, gained, metric, segment

ORDERS = st.permutations(RULES)
SCORES = st.floats(0.0, 1.0)


@st.composite
def contests(draw: st.DrawFn, better: bool) -> Case:
    """A challenger better, or worse, beyond margin and interval, on the whole and on every segment."""
    side = 1.0 if better else -1.0
    direction, evidence = draw(st.sampled_from(Direction)), draw(st.sampled_from(Evidence))
    rule = metric(direction, margin=draw(st.floats(0.001, 0.2)), evidence=evidence, segment_loss=draw(st.just(None)))

    def beyond() -> Gain:
        reach, more = draw(st.floats(0.0, 0.2)), draw(st.floats(1e-6, 0.2))
        estimate = side * (rule.margin or 0.0) * 2 + side * (reach + more)
        return Gain(estimate, estimate - reach, estimate + reach, 0.95, reach / 1.645)

    names = draw(st.lists(st.sampled_from("abcdef"), unique=True))
    segments = tuple(segment(name, beyond(), rows=draw(st.integers(1, 200))) for name in names)
    champion = draw(SCORES)
    whole = beyond()
    return case(champion + rule.sign * whole.estimate, champion, whole, rule=rule, segments=segments)


@given(judged=contests(better=True), order=ORDERS)
def test_a_challenger_better_beyond_margin_and_interval_everywhere_is_always_accepted(
    judged: Case, order: Sequence[Rule]
) -> None:
    assert decide(judged, order).outcome is Outcome.ACCEPTED


@given(judged=contests(better=False), order=ORDERS)
def test_a_challenger_worse_beyond_margin_and_interval_everywhere_is_never_accepted(
    judged: Case, order: Sequence[Rule]
) -> None:
    decision = decide(judged, order)
    assert decision.outcome is Outcome.KEPT
    fallen = {f"segment {one.name}" for one in judged.evaluation.segments if one.rows >= judged.metric.segment_rows}
    assert {"margin", "loss"} | fallen == {finding.rule for finding in decision.findings if not finding.passed} - {
        "resolution"
    }


@given(judged=contests(better=True), mixed=st.data(), fall=st.floats(0.0, 0.5), high=st.floats(-0.3, 0.3))
def test_the_order_of_the_segments_changes_nothing(
    judged: Case, mixed: st.DataObject, fall: float, high: float
) -> None:
    given = (*judged.evaluation.segments, segment("z", gained(-fall, -1.0, high)))
    other = mixed.draw(st.permutations(given))
    one, two = (
        decide(replace(judged, evaluation=replace(judged.evaluation, segments=s))) for s in (given, tuple(other))
    )
    assert one.outcome is two.outcome
    assert sorted(one.reasons) == sorted(two.reasons)


@given(
    challenger=SCORES | st.just(math.nan),
    champion=st.none() | SCORES,
    low=st.floats(-1, 1),
    high=st.floats(-1, 1),
    floor=st.none() | SCORES,
    baseline=st.none() | SCORES,
    direction=st.sampled_from(Direction),
    order=ORDERS,
)
def test_the_order_of_the_rules_changes_nothing(
    challenger: float,
    champion: float | None,
    low: float,
    high: float,
    floor: float | None,
    baseline: float | None,
    direction: Direction,
    order: Sequence[Rule],
) -> None:
    gain = None if champion is None else gained(0.0, low, high)
    judged = case(challenger, champion, gain, rule=metric(direction, floor=floor), baseline=baseline)
    one, other = decide(judged), decide(judged, order)
    assert one.outcome is other.outcome
    assert sorted(one.reasons) == sorted(other.reasons)
    assert (one.outcome is Outcome.ACCEPTED) == (one.reasons == ())
