"""What the gate decides about: an evaluation, and what the contract asks of the challenger."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from retide.domain.contract import Budgets, Metric
from retide.domain.contract_rules import Drift
from retide.domain.evaluation import Evaluation

LEAD: Final = 0.1


@dataclass(frozen=True, slots=True)
class Case:
    """`drift` is how far the new data may lie from the champion's, `budgets` what a model may cost."""

    evaluation: Evaluation
    metric: Metric
    drift: Drift = field(default_factory=Drift)
    budgets: Budgets = field(default_factory=Budgets)

    @property
    def score(self) -> float:
        """The challenger's score in the deciding metric; NaN where the evaluation has none."""
        return self.evaluation.challenger.metrics.get(self.metric.name, math.nan)

    @property
    def margin(self) -> float:
        """The contract's, or a tenth of the champion's lead over a constant answer.

        A share of the proven effect is how non-inferiority margins are set where nobody knows the unit (FDA 2016,
        "Non-Inferiority Clinical Trials to Establish Effectiveness"). 0 where the champion leads by nothing.
        """
        if self.metric.margin is not None:
            return self.metric.margin
        champion, name = self.evaluation.champion, self.metric.name
        guess = (self.evaluation.baseline or {}).get(name, math.nan)
        lead = self.metric.sign * (champion.metrics.get(name, math.nan) - guess) if champion else math.nan
        return max(0.0, LEAD * lead) if math.isfinite(lead) else 0.0

    @property
    def segment_loss(self) -> float:
        return 2 * self.margin if self.metric.segment_loss is None else self.metric.segment_loss

    def at_least(self, score: float, bound: float) -> bool:
        """Whether `score` is as good as `bound` in the metric's own direction; never for NaN."""
        return self.metric.sign * score >= self.metric.sign * bound
