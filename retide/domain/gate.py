"""Decide whether a challenger may replace the champion: pure rules over two evaluations of one holdout."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Final

from retide.domain.case import Case
from retide.domain.contract import Direction, Evidence, Metric
from retide.domain.evaluation import Gain
from retide.domain.severity import Severity


class Outcome(StrEnum):
    """`kept`: a sound model, but not one to replace the champion; `rejected`: no model to serve at all."""

    ACCEPTED = "accepted"
    KEPT = "kept"
    REJECTED = "rejected"


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
POWER: Final = 0.8
MIB: Final = 1024**2

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
    """The one-sided lower bound of the gain must clear the margin: on its far side, or on its near one.

    `superior`: above +margin, so a challenger that truly gains no more is accepted with at most 1 - confidence.
    `non_inferior`: above -margin, so is one that truly loses as much; its data are newer, and that it is as good is
    enough. (Blackwelder 1982, "Proving the null hypothesis"; Efron & Tibshirani 1993, ch. 12, for the bounds.)
    """
    gain = case.evaluation.gain
    if gain is None:
        return  # cold start, or a champion that cannot be scored on this schema: there is nobody to beat
    sure = f"with {gain.confidence:.0%} confidence"
    if case.metric.evidence is Evidence.SUPERIOR:
        expected, bound = f"a gain of more than {case.margin:.4g} {sure}", case.margin + ROUNDING
    else:
        expected, bound = f"a loss of at most {case.margin:.4g} {sure}", -case.margin - ROUNDING
    yield Finding("margin", expected, _interval(gain), gain.low >= bound)


def loss(case: Case) -> Iterator[Finding]:
    """Losses within the margin add up from model to model; one that chance does not explain is not borne at all."""
    gain = case.evaluation.gain
    if gain is not None:
        expected = f"no loss that is there with {gain.confidence:.0%} confidence"
        yield Finding("loss", expected, _interval(gain), gain.high >= -ROUNDING)


def resolution(case: Case) -> Iterator[Finding]:
    """Say where the holdout is too small to show the margin: a challenger as good as that is often kept out then.

    With error e a difference of (z(confidence) + z(power)) e is shown with that power; e falls with the root of rows.
    """
    gain = case.evaluation.gain
    if gain is None or gain.error is None or case.margin == 0:
        return
    normal, rows = NormalDist(), case.evaluation.holdout_rows
    smallest = (normal.inv_cdf(gain.confidence) + normal.inv_cdf(POWER)) * gain.error
    seen = f"{smallest:.4g} with {rows} rows"
    if resolves := smallest <= case.margin:
        yield Finding("resolution", _resolved(case), seen, resolves)
        return
    needed = math.ceil(rows * (smallest / case.margin) ** 2)
    yield Finding("resolution", _resolved(case), f"{seen}; some {needed} would do", resolves, warns=True)


def _resolved(case: Case) -> str:
    return f"a holdout that shows a difference of {case.margin:.4g} in {POWER:.0%} of the cases"


def segments(case: Case) -> Iterator[Finding]:
    """No part of those whom the model serves may pay for the whole.

    A fall counts that is larger than allowed, and that chance does not explain, all segments taken together: among many
    small ones some fall far by chance alone.
    """
    for segment in case.evaluation.segments:
        gain = segment.gain
        if gain is None or segment.champion is None or segment.rows < case.metric.segment_rows:
            continue
        expected = f"{case.metric.name} loses at most {case.segment_loss:.4g}, or no more than chance explains"
        seen = f"{_interval(gain)} ({segment.champion:.4g} → {segment.challenger:.4g}, {segment.rows} rows)"
        fell = gain.estimate < -case.segment_loss - ROUNDING and gain.high < -ROUNDING
        yield Finding(f"segment {segment.name}", expected, seen, not fell)


def latency(case: Case) -> Iterator[Finding]:
    limit, seen = case.budgets.latency_ms, case.evaluation.challenger.latency_ms.get("single_p99", math.nan)
    if limit is not None:
        yield Finding("latency", f"99 of 100 rows within {limit:g} ms", f"{seen:.4g} ms", seen <= limit, absolute=True)


def size(case: Case) -> Iterator[Finding]:
    limit, seen = case.budgets.size_mib, case.evaluation.challenger.size_bytes / MIB
    if limit is not None:
        yield Finding("size", f"at most {limit:g} MiB", f"{seen:.4g} MiB", seen <= limit, absolute=True)


def calibration(case: Case) -> Iterator[Finding]:
    """A limit within the noise of so few rows is raised to it: a perfectly calibrated model must pass."""
    limit, judged = case.budgets.calibration_error, case.evaluation.challenger
    if limit is None:
        return
    seen, noise = judged.metrics.get("calibration_error", math.nan), judged.calibration_noise or 0.0
    raised = f" (raised from {limit:g}, within the noise of {case.evaluation.holdout_rows} rows)"
    expected = f"a calibration error of at most {max(limit, noise):.4g}{raised if noise > limit else ''}"
    yield Finding("calibration", expected, f"{seen:.4g}", seen <= max(limit, noise), absolute=True)


def champion(case: Case) -> Iterator[Finding]:
    """Say so where there is a champion and yet no comparison.

    One that may have learned from the holdout would win by it: no comparison is better than that one, but then nothing
    shows that the challenger is as good, and a person should know.
    """
    why, learned = case.evaluation.champion_skipped, case.evaluation.champion_learned
    if why and learned:
        expected = "a champion that did not learn from the holdout, to compare with"
        yield Finding("champion", expected, why, passed=False, warns=True)
    elif why:
        yield Finding("champion", "a champion on the same columns", why, passed=True)


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


def _interval(gain: Gain) -> str:
    return f"{gain.estimate:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}]"


RULES: Final[tuple[Rule, ...]] = (
    floor,
    baseline,
    latency,
    size,
    calibration,
    margin,
    loss,
    resolution,
    segments,
    champion,
    drift,
)
