"""From which probability on the second of two classes is said: the contract's, or the best on training rows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from retide.domain.contract import Cut, Metric
from retide.domain.contract_metric import MIDDLE
from training.metrics import Array, Cutoff, Truth

DIGITS: Final = 6


def of(metric: Metric, truth: Truth, scores: Array) -> float | None:
    """None: the more probable class is said, or nobody can choose, for the rows hold one class only.

    `truth` (rows,) of 0 and 1, `scores` (rows, 2) by models that did not learn from these rows; NaN is left out.
    """
    rule = metric.threshold
    if not isinstance(rule, Cut):
        return None if rule == MIDDLE else rule
    known = np.isfinite(scores).all(axis=1)
    if len(np.unique(truth[known])) < 2:
        return None
    return best(rule, truth[known], scores[known, 1])


def cutoff(metric: Metric, truth: Truth, scores: Array) -> Cutoff | None:
    value = of(metric, truth, scores)
    return None if value is None else Cutoff(value)


def best(rule: Cut, truth: Truth, positive: Array) -> float:
    """The highest of the best, halfway down to the next lower score: what float32 rounds changes no label.

    F1 = 2 TP / (2 TP + FP + FN); Youden 1950, J = TPR - FPR.
    """
    false, true, cuts = roc_curve(truth, positive, drop_intermediate=False)
    values = true - false if rule is Cut.YOUDEN else _f1(false, true, truth)
    place = 1 + int(np.argmax(values[1:]))  # the first says the class of nobody
    below = cuts[place + 1] if place + 1 < len(cuts) else cuts[place]
    return round(float(cuts[place] + below) / 2, DIGITS)


def _f1(false: Array, true: Array, truth: Truth) -> NDArray[np.float64]:
    positives = np.count_nonzero(truth)
    hits, alarms = true * positives, false * (len(truth) - positives)
    return np.asarray(2 * hits / (hits + alarms + positives))
