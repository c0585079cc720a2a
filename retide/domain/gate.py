"""Decide whether a challenger may replace the champion: pure rules over two evaluations of one holdout."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from retide.domain.contract import Direction, Metric
from retide.domain.contract_rules import Drift
from retide.domain.evaluation import Evaluation
from retide.domain.severity import Severity


class Outcome(StrEnum):
    """`kept`: a sound model, but not one to replace the champion; `rejected`: no model to serve at all."""

    ACCEPTED = "accepted"
    KEPT = "kept"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Case:
    """`drift` is how far the new data may lie from the champion's."""

    evaluation: Evaluation
    metric: Metric
    drift: Drift = field(default_factory=Drift)

    @property
    def score(self) -> float:
        """The challenger's score in the deciding metric; NaN where the evaluation has none."""
        return self.evaluation.challenger.metrics.get(self.metric.name, math.nan)

    def at_least(self, score: float, bound: float) -> bool:
        """Whether `score` is as good as `bound` in the metric's own direction; never for NaN."""
        return self.metric.sign * score >= self.metric.sign * bound


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's verdict, in words that a person can check against the evaluation.

    `absolute` rules ask whether this is a model to serve at all, the others whether it may replace the champion. One
    that only `warns` stops nobody.
    """

    rule: str
    expected: str
    seen: str
    passed: bool
    absolute: bool = False
    warns: bool = False

    def __str__(self) -> str:
        return f"{self.rule}: expected {self.expected}, seen {self.seen}"


ROUNDING: Final = 1e-12  # differences of scores are not exact: 0.9 - 0.7 is a little less than 0.2

type Rule = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Decision:
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        failed = [finding for finding in self.findings if not finding.passed and not finding.warns]
        if any(finding.absolute for finding in failed):
            return Outcome.REJECTED
        return Outcome.KEPT if failed else Outcome.ACCEPTED

    @property
    def reasons(self) -> tuple[str, ...]:
        """What failed, in words; empty for an accepted challenger."""
        return tuple(str(finding) for finding in self.findings if not finding.passed and not finding.warns)


def decide(case: Case, rules: Sequence[Rule] = ()) -> Decision:
    """Apply every rule, never stopping at the first failure: a person wants all the reasons at once."""
    return Decision(tuple(finding for rule in rules or RULES for finding in rule(case)))


def floor(case: Case) -> Iterator[Finding]:
    """A score there must be, and none worse than the contract's floor."""
    metric = case.metric
    if metric.floor is None:
        yield Finding("floor", f"a finite {metric.name}", f"{case.score:.4g}", math.isfinite(case.score), absolute=True)
        return
    bound = f"{metric.name} {_sign(metric)} {metric.floor:g}"
    yield Finding("floor", bound, f"{case.score:.4g}", case.at_least(case.score, metric.floor), absolute=True)


def baseline(case: Case) -> Iterator[Finding]:
    """A model that knows no more than the mean or the shares of the classes is no model."""
    guess = (case.evaluation.baseline or {}).get(case.metric.name)
    if guess is None or not math.isfinite(guess):
        return
    better = case.metric.sign * case.score > case.metric.sign * guess
    expected = f"{case.metric.name} better than {guess:.4g}, which a constant answer reaches"
    yield Finding("baseline", expected, f"{case.score:.4g}", better, absolute=True)


def margin(case: Case) -> Iterator[Finding]:
    """The challenger must gain at least the margin, and its worst plausible case must be bearable.

    The gain itself, measured on the very rows for both, must reach the margin: so a worse challenger is never promoted.
    That the interval's lower end (paired bootstrap; Efron & Tibshirani 1993, ch. 12) clears the margin as well would
    hold back nearly every retrain on a holdout of a few hundred rows. What is asked instead is non-inferiority: even
    the lower end must not lose more than `segment_loss`, the fall that the contract bears on a segment.
    """
    gain = case.evaluation.gain
    if gain is None:
        return  # cold start, or a champion that cannot be scored on this schema: there is nobody to beat
    metric = case.metric
    seen = f"{gain.estimate:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}]"
    yield Finding("margin", f"a gain of at least {metric.margin:g}", seen, gain.estimate >= metric.margin - ROUNDING)
    bearable = f"no loss beyond {metric.segment_loss:g} with {gain.confidence:.0%} confidence"
    yield Finding("worst case", bearable, seen, gain.low >= -metric.segment_loss - ROUNDING)


def segments(case: Case) -> Iterator[Finding]:
    """No part of those whom the model serves may pay for the whole."""
    for segment in case.evaluation.segments:
        if segment.champion is None or not math.isfinite(segment.champion):
            continue
        gain = case.metric.sign * (segment.challenger - segment.champion)
        expected = f"{case.metric.name} loses at most {case.metric.segment_loss:g}"
        seen = f"{gain:+.4g} ({segment.champion:.4g} → {segment.challenger:.4g}, {segment.rows} rows)"
        yield Finding(f"segment {segment.name}", expected, seen, gain >= -case.metric.segment_loss - ROUNDING)


def champion(case: Case) -> Iterator[Finding]:
    """Say so where there is a champion and yet no comparison."""
    if case.evaluation.champion_skipped:
        yield Finding("champion", "a champion on the same columns", case.evaluation.champion_skipped, passed=True)


def drift(case: Case) -> Iterator[Finding]:
    """New data that is another data than the champion's as a whole, whatever its single columns look like.

    To refuse it is for those whose data should not change: a model of other data is none to serve.
    """
    limit, found, skipped = case.drift.multivariate, case.evaluation.drift, case.evaluation.drift_skipped
    if skipped:
        yield Finding("drift", "new data that can be compared with the champion's", skipped, passed=True)
    if limit is None or found is None:
        return
    refuses = case.drift.severity is Severity.REFUSE
    expected = f"new data that an AUC of at most {limit:g} tells from the champion's"
    most = f", most by {', '.join(found.features)}" if found.features else ""
    seen = f"{found.auc:.3f} ({found.rows} rows against {found.before}{most})"
    yield Finding("drift", expected, seen, not found.exceeds(limit), absolute=refuses, warns=not refuses)


def _sign(metric: Metric) -> str:
    return "≥" if metric.direction is Direction.MAXIMIZE else "≤"


RULES: Final[tuple[Rule, ...]] = (floor, baseline, margin, segments, champion, drift)
