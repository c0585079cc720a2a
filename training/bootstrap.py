"""What chance does to a score: the paired bootstrap of a difference, and the calibration error of a perfect model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.stats import t as student

from retide.domain.evaluation import Gain
from training.metrics import MEASURES, Array, Truth, calibration_error

RESAMPLES: Final = 1_000
DRAWS: Final = 200


def gain(estimate: float, differences: Array, confidence: float, rows: int) -> Gain:
    """One-sided bounds, each the further out of two: the percentile of the resamples, and Student's.

    Where differences are skewed, either is too narrow on one side; together they hold what they say on both. The
    standard error makes up for what a bootstrap of few rows lacks, (n - 1) / n of the variance, and bears its own
    error of 1 / sqrt(2 B) for B resamples (Efron & Tibshirani 1993, ch. 5 and 6).
    """
    own = 1 + 1 / math.sqrt(2 * len(differences))
    error = own * math.sqrt(rows / max(rows - 1, 1)) * float(np.std(differences, ddof=1))
    reach = float(student.ppf(confidence, rows - 1)) * error
    low, high = np.quantile(differences, [1 - confidence, confidence]).tolist()
    return Gain(estimate, min(low, estimate - reach), max(high, estimate + reach), confidence, error)


def resamples(rows: int, count: int, seed: int) -> Iterator[Array]:
    """Bootstrap weights (≤ count, rows) in pieces of bounded memory: how often each row was drawn."""
    generator = np.random.default_rng(seed)
    piece = max(1, min(count, 2_000_000 // max(rows, 1)))
    for start in range(0, count, piece):
        size = min(piece, count - start)
        drawn = generator.integers(0, rows, (size, rows)) + np.arange(size)[:, None] * rows
        counts = np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)
        yield counts.astype(np.float64, order="F")  # metrics take rows in the order of their scores


def paired_differences(name: str, truth: Truth, first: Array, second: Array, *, count: int, seed: int) -> Array:
    """`first` minus `second` on the same resamples, (≤ count,): those on which the metric is undefined are left out.

    Efron & Tibshirani 1993, ch. 12: rows are drawn once for both models, so what they share cancels.
    """
    measure = MEASURES[name]
    pieces = resamples(len(truth), count, seed)
    differences = np.concatenate([measure(truth, first, w) - measure(truth, second, w) for w in pieces])
    return np.asarray(differences[np.isfinite(differences)])


def calibration_noise(scores: Array, *, seed: int, count: int = DRAWS) -> float:
    """The calibration error that 95 % of perfectly calibrated models stay below on rows of these probabilities.

    Labels are drawn from the probabilities themselves (Bröcker & Smith 2007, consistency resampling).
    """
    generator, edges = np.random.default_rng(seed), np.cumsum(scores, axis=1)
    once = np.ones((1, len(scores)))
    drawn = ((generator.random((len(scores), 1)) > edges).sum(axis=1) for _ in range(count))
    errors = [calibration_error(np.minimum(label, scores.shape[1] - 1), scores, once)[0] for label in drawn]
    return float(np.quantile(errors, 0.95))
