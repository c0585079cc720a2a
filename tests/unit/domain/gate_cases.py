"""Cases for the gate, made of a few figures."""

from __future__ import annotations

from typing import Any

from retide.domain.case import Case
from retide.domain.contract import Budgets, Direction, Metric
from retide.domain.evaluation import Evaluation, Gain, Scores, Segment

ERROR = 0.01  # z(0.95) + z(0.8) times as much is 0.02486


def metric(direction: Direction = Direction.MAXIMIZE, **settings: Any) -> Metric:
    name = "roc_auc" if direction is Direction.MAXIMIZE else "log_loss"
    return Metric(name, direction, **{"margin": 0.05, "segment_loss": 0.05, **settings})


def gained(estimate: float, low: float | None = None, high: float | None = None, error: float | None = ERROR) -> Gain:
    return Gain(
        estimate, estimate - 0.02 if low is None else low, estimate + 0.02 if high is None else high, 0.95, error
    )


def case(
    challenger: float,
    champion: float | None = None,
    gain: Gain | None = None,
    *,
    rule: Metric | None = None,
    segments: tuple[Segment, ...] = (),
    baseline: float | None = None,
    skipped: str | None = None,
    budgets: Budgets | None = None,
) -> Case:
    rule = rule or metric()
    if champion is not None and gain is None:
        gain = gained(rule.sign * (challenger - champion))
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
    return Case(evaluation, rule, budgets=budgets or Budgets())


def _scores(name: str, score: float) -> Scores:
    return Scores("job", "a", {name: score}, {}, 1, 0.0)


def segment(name: str, gain: Gain | None, rows: int = 40, champion: float | None = 0.9) -> Segment:
    return Segment(name, rows, 0.9 + (gain.estimate if gain else 0.0), champion, gain)
