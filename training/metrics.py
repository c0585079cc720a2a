"""The metrics of a contract, each computed for many weightings of the rows at once: a bootstrap is one call.

Every metric takes the truth, the scores and `weights` of shape (resamples, rows), and returns one number per resample:
NaN where it is not defined (an area under a curve needs two classes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retide.domain.contract import METRICS, Task
from retide.domain.contract_metric import REPORTED

type Array = NDArray[np.float64]
type Truth = NDArray[np.int64] | NDArray[np.float64]
type Measure = Callable[[Truth, Array, Array], Array]

SMALLEST: Final = 1e-15
BINS: Final = 10
BY_LABEL: Final = frozenset({"accuracy", "f1"})


@dataclass(frozen=True, slots=True)
class Cutoff:
    """From which probability on the class at `second` is said, and the one at `first` below it."""

    value: float
    first: int = 0
    second: int = 1


def score(name: str, truth: Truth, scores: Array, cutoff: Cutoff | None = None) -> float:
    """One metric on all rows: `truth` (rows,), `scores` (rows, classes), (rows, 1), or (rows, 3) with an interval."""
    return float(MEASURES[name](truth, seen(name, scores, cutoff), np.ones((1, len(truth))))[0])


def scores_of(task: Task, truth: Truth, scores: Array, cutoff: Cutoff | None = None) -> dict[str, float]:
    """Every metric of a task that is defined on these rows."""
    values = {name: score(name, truth, scores, cutoff) for name in (*METRICS[task], *REPORTED[task])}
    return {name: value for name, value in values.items() if np.isfinite(value)}


def seen(name: str, scores: Array, cutoff: Cutoff | None) -> Array:
    """What a metric sees of probabilities: where it asks for labels, 1 for the one that is said and 0 for the others.

    Without a cutoff the probabilities themselves, the highest of which says the label.
    """
    if cutoff is None or name not in BY_LABEL:
        return scores
    said = np.zeros_like(scores)
    place = np.where(scores[:, cutoff.second] >= cutoff.value, cutoff.second, cutoff.first)
    said[np.arange(len(scores)), place] = 1.0
    return said


def _mean(values: Array, weights: Array) -> Array:
    """Weighted mean by resample; NaN where no row has weight."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights @ values / weights.sum(axis=1))


def roc_auc(truth: Truth, scores: Array, weights: Array) -> Array:
    """Binary: of the second class; more classes: the mean of one against the rest."""
    return _over_classes(_binary_auc, truth, scores, weights)


def pr_auc(truth: Truth, scores: Array, weights: Array) -> Array:
    """Average precision, over classes as `roc_auc`."""
    return _over_classes(_binary_average_precision, truth, scores, weights)


def _over_classes(measure: Measure, truth: Truth, scores: Array, weights: Array) -> Array:
    classes = [1] if scores.shape[1] == 2 else np.unique(truth[truth >= 0]).astype(int).tolist()
    each = [measure((truth == k).astype(np.int64), scores[:, k], weights) for k in classes]
    return np.asarray(np.mean(each, axis=0))


def _binary_auc(truth: Truth, scores: Array, weights: Array) -> Array:
    """Mann and Whitney's statistic: by positive row the negative weight below it, and half of what is tied with it."""
    positive = truth == 1
    others = np.flatnonzero(~positive)
    order = others[np.argsort(scores[others], kind="stable")]
    own, below = weights.T[positive], np.zeros((len(order) + 1, len(weights)))
    np.cumsum(weights.T[order], axis=0, out=below[1:])
    first, last = (np.searchsorted(scores[order], scores[positive], side) for side in ("left", "right"))
    beaten = below[first] if (first == last).all() else (below[first] + below[last]) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        wins = np.einsum("ij,ij->j", own, beaten)
        return np.asarray(wins / (own.sum(axis=0) * below[-1]))


def _binary_average_precision(truth: Truth, scores: Array, weights: Array) -> Array:
    positive, negative = _by_group(truth, -scores, weights)
    found = np.cumsum(positive, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = found / (found + np.cumsum(negative, axis=0))
        return np.asarray(np.nansum(positive * precision, axis=0) / positive.sum(axis=0))


def _by_group(truth: Truth, scores: Array, weights: Array) -> tuple[Array, Array]:
    """The weight of positive and of negative rows, each (groups of tied scores in ascending order, resamples)."""
    order, starts = _groups(scores)
    ordered, actual = weights.T[order], truth[order][:, None]
    positive, negative = ordered * actual, ordered * (1 - actual)
    if len(starts) == len(order):
        return positive, negative
    return np.add.reduceat(positive, starts, axis=0), np.add.reduceat(negative, starts, axis=0)


def _groups(scores: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows in ascending order of score, and where in that order each run of equal scores starts."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)
    return order.astype(np.int64), starts.astype(np.int64)


def accuracy(truth: Truth, scores: Array, weights: Array) -> Array:
    return _mean((scores.argmax(axis=1) == truth).astype(np.float64), weights)


def f1(truth: Truth, scores: Array, weights: Array) -> Array:
    """Binary: of the second class; more classes: the mean over classes."""
    predicted = scores.argmax(axis=1)
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return np.asarray(np.mean([_class_f1(truth == k, predicted == k, weights) for k in classes], axis=0))


def _class_f1(actual: NDArray[np.bool_], predicted: NDArray[np.bool_], weights: Array) -> Array:
    """0 where the class neither occurs nor is predicted, as scikit-learn counts it."""
    hits = weights @ (actual & predicted).astype(np.float64)
    total = weights @ actual.astype(np.float64) + weights @ predicted.astype(np.float64)
    return np.asarray(2 * hits / np.maximum(total, 1))


def log_loss(truth: Truth, scores: Array, weights: Array) -> Array:
    """A label that the model has no probability for counts as the smallest one."""
    given = np.where(truth >= 0, scores[np.arange(len(truth)), truth.astype(np.int64)], 0.0)
    return _mean(-np.log(np.clip(given, SMALLEST, 1.0)), weights)


def brier(truth: Truth, scores: Array, weights: Array) -> Array:
    """Half the squared distance to the true class: for two classes the usual (p - y)²."""
    actual = (truth[:, None] == np.arange(scores.shape[1])).astype(np.float64)
    return _mean(((scores - actual) ** 2).sum(axis=1) / 2, weights)


def calibration_error(truth: Truth, scores: Array, weights: Array) -> Array:
    """Expected calibration error: of the second class, or with more than two of the class that is said.

    BINS bins of equal width, as in scikit-learn's `calibration_curve`.
    The mean over rows of the distance, within the row's bin, from the mean probability to the share that came true
    (Naeini et al. 2015; Guo et al. 2017 for more than two classes).
    """
    said = scores[:, 1] if scores.shape[1] == 2 else scores.max(axis=1)
    came = truth == (1 if scores.shape[1] == 2 else scores.argmax(axis=1))
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], said)
    apart = (bins[:, None] == np.arange(BINS)) * (said - came)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.abs(weights @ apart).sum(axis=1) / weights.sum(axis=1))


def rmse(truth: Truth, scores: Array, weights: Array) -> Array:
    return np.asarray(np.sqrt(_mean((scores[:, 0] - truth) ** 2, weights)))


def mae(truth: Truth, scores: Array, weights: Array) -> Array:
    return _mean(np.abs(scores[:, 0] - truth), weights)


def mape(truth: Truth, scores: Array, weights: Array) -> Array:
    """A share, not percent; not defined where a value is 0."""
    if not truth.all():
        return np.full(len(weights), np.nan)
    return _mean(np.abs((scores[:, 0] - truth) / truth), weights)


def r2(truth: Truth, scores: Array, weights: Array) -> Array:
    squared = _mean((scores[:, 0] - truth) ** 2, weights)
    variance = _mean(truth.astype(np.float64) ** 2, weights) - _mean(truth.astype(np.float64), weights) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(variance > 0, 1 - squared / variance, np.nan))


def coverage(truth: Truth, scores: Array, weights: Array) -> Array:
    """The share of values within their interval, both ends included; not defined without an interval."""
    if scores.shape[1] < 3:
        return np.full(len(weights), np.nan)
    return _mean(((scores[:, 1] <= truth) & (truth <= scores[:, 2])).astype(np.float64), weights)


MEASURES: Final[Mapping[str, Measure]] = {
    "roc_auc": roc_auc,
    "pr_auc": pr_auc,
    "accuracy": accuracy,
    "f1": f1,
    "log_loss": log_loss,
    "brier": brier,
    "calibration_error": calibration_error,
    "rmse": rmse,
    "mae": mae,
    "mape": mape,
    "r2": r2,
    "coverage": coverage,
}
