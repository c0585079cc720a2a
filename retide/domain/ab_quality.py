"""How good challenger and champion are, once the truth is known, and how sure that is: pure arithmetic.

Each answer has a score, and a *gain* is what the challenger has more of it. A shadow answers the very requests of the
champion: the gain is the mean of the differences, row by row. In an A/B test each row has one answer: the gain is the
difference of two means. Its bounds hold at every look at once, so that somebody may look as often as he likes and stop
when he has seen enough: an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024,
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52(6), theorem 2.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Any, Final

FEWEST: Final = 50  # scores on each side, below which nothing is said: what follows holds for many
CONFIDENCE: Final = 0.95
WIDEST: Final = 1_000  # scores at which the bounds are as narrow as they can be; they hold at any number
SMALLEST: Final = 1e-15  # probability: the logarithm of a certain error would be infinite
Prediction = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Score:
    """How one answer is judged by the truth; `higher` is whether more of it is better."""

    name: str
    of: Callable[[Prediction, Any], float]
    higher: bool


@dataclass(frozen=True, slots=True)
class Gain:
    """What the challenger has more of what is good than the champion: positive where it is the better one.

    `low` and `high` hold with CONFIDENCE at all looks together. `champion` and `challenger` are the mean scores, `rows`
    those that each was scored on.
    """

    estimate: float
    low: float
    high: float
    champion: float
    challenger: float
    rows: tuple[int, int]

    @property
    def verdict(self) -> str:
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "undecided"


def score_for(metric: str) -> Score:
    """The score of single answers nearest to a contract's metric: a curve or a ratio of many has none of its own."""
    return _SCORES.get(metric, _ACCURACY)


def paired(champion: Sequence[float], challenger: Sequence[float], *, higher: bool) -> Gain | None:
    """Of scores of the same rows, in the same order; None where there are too few."""
    if len(champion) < FEWEST:
        return None
    sign = 1 if higher else -1
    gains = [sign * (new - old) for old, new in zip(champion, challenger, strict=True)]
    rows = (len(gains), len(gains))
    return _gain(fmean(gains), variance(gains) / len(gains), len(gains), (fmean(champion), fmean(challenger)), rows)


def two_samples(champion: Sequence[float], challenger: Sequence[float], *, higher: bool) -> Gain | None:
    """Of scores of different rows, which of them whose being chance; None where there are too few."""
    rows = (len(champion), len(challenger))
    if min(rows) < FEWEST:
        return None
    means = (fmean(champion), fmean(challenger))
    squared = variance(champion) / rows[0] + variance(challenger) / rows[1]
    return _gain((means[1] - means[0]) * (1 if higher else -1), squared, sum(rows), means, rows)


def half_width(squared_error: float, count: int, confidence: float = CONFIDENCE) -> float:
    """Of the confidence sequence; `squared_error` is the variance of the mean after `count` rows.

    sqrt(V) sqrt(2 (t r² + 1) / (t r²) log(sqrt(t r² + 1) / a)), with r² such that it is narrowest at t = WIDEST.
    """
    alpha = 1 - confidence
    log = -2 * math.log(alpha)
    spread = count * (log + math.log(log) + 1) / WIDEST
    return math.sqrt(squared_error * 2 * (spread + 1) / spread * math.log(math.sqrt(spread + 1) / alpha))


def _gain(estimate: float, squared: float, count: int, means: tuple[float, float], rows: tuple[int, int]) -> Gain:
    half = half_width(squared, count)
    return Gain(estimate, estimate - half, estimate + half, *means, rows)


def _name(label: object) -> str:
    """As the server names a label among its probabilities."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _right(prediction: Prediction, truth: Any) -> float:
    return float(_name(prediction["label"]) == _name(truth))


def _probability(prediction: Prediction, truth: Any) -> float:
    found = prediction["probabilities"]
    return float(found.get(_name(truth), 0.0))


def _log_loss(prediction: Prediction, truth: Any) -> float:
    return -math.log(max(SMALLEST, _probability(prediction, truth)))


def _brier(prediction: Prediction, truth: Any) -> float:
    """Half the squared distance to the true class, as the evaluation has it."""
    said: Mapping[str, float] = prediction["probabilities"]
    others = sum(value**2 for name, value in said.items() if name != _name(truth))
    return ((1 - _probability(prediction, truth)) ** 2 + others) / 2


def _absolute(prediction: Prediction, truth: Any) -> float:
    return abs(float(prediction["value"]) - float(truth))


def _squared(prediction: Prediction, truth: Any) -> float:
    return _absolute(prediction, truth) ** 2


_ACCURACY: Final = Score("accuracy", _right, higher=True)
_SQUARED: Final = Score("squared error", _squared, higher=False)
_ABSOLUTE: Final = Score("absolute error", _absolute, higher=False)
_SCORES: Final[Mapping[str, Score]] = {
    "log_loss": Score("log loss", _log_loss, higher=False),
    "brier": Score("Brier score", _brier, higher=False),
    "rmse": _SQUARED,
    "r2": _SQUARED,
    "mae": _ABSOLUTE,
    "mape": _ABSOLUTE,
}
