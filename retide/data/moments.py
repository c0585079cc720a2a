"""Mean and sum of squares of a column: the same whatever the order in which threads add its values up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from retide.data.engine import text
from retide.domain.contract import Column, ColumnType

PLACE: Final = 3  # of the first moment among what is seen of a column of numbers: after count, least and greatest
_EXACT: Final = 2**53  # below, whole numbers add up exactly as DOUBLE, in any order
_NARROW: Final = 9_000  # from the middle of a range: squares of 100 million of them stay below _EXACT
_NEAR: Final = 0.1  # of a range's width: nearer to zero than that, it is taken as the middle of what is skewed
_LOST: Final = 1e4  # how much larger than the variance the squared distance of mean and centre may be
_DIGITS: Final = 11  # of a mean, in parts of the largest value: far above what the order of a sum changes
_FIGURES: Final = 9  # of a sum of squares


@dataclass(frozen=True, slots=True)
class Centre:
    """What a column's moments are taken about, where its range is known: the same for every file of a contract.

    `exact` where the sums are those of whole numbers, told without any rounding.
    """

    at: float
    exact: bool

    def holds(self, seen: Sequence[float]) -> bool:
        """Whether what was seen about it is as good as by the slower way, which divides for every value."""
        if self.exact:
            return seen[PLACE + 1] < _EXACT
        first, second = seen[PLACE : PLACE + 2]
        return first * first <= _LOST * (second - first * first)


def centre(column: Column) -> Centre | None:
    """None without a range. Zero where that is in the range or near it, for what has a zero often lies close to it."""
    low, high = column.minimum, column.maximum
    if low is None or high is None:
        return None
    middle = (low + high) / 2
    if column.type is ColumnType.INTEGER and high - low <= 2 * _NARROW:
        return Centre(round(middle), exact=True)
    near = low - _NEAR * (high - low) <= 0 <= high + _NEAR * (high - low)
    return Centre(0.0 if near else middle, exact=False)


def sql(number: str, about: Centre | None) -> tuple[str, str]:
    """Of a column of type DOUBLE: its mean and variance, or the sums (means where they are not exact) of differences
    from the centre, and of their squares.
    """
    if about is None:
        return f"favg({number})", f"var_pop({number})"
    step = f"({number} - {text(about.at)}::DOUBLE)" if about.at else number
    add = "sum" if about.exact else "favg"
    return f"{add}({step})", f"{add}({step} * {step})"


def told(seen: Sequence[float], about: Centre | None) -> tuple[float, float]:
    """Mean and sum of squared differences from it, of count, least, greatest and what `sql` asked for."""
    count, low, high, first, second = seen[: PLACE + 2]
    if about is None:
        mean, m2 = first, second * count
    elif about.exact:
        mean, m2 = about.at + first / count, (int(second) * int(count) - int(first) ** 2) / count
    else:
        mean, m2 = about.at + first, (second - first * first) * count
    return rounded(mean, m2, low, high)


def rounded(mean: float, m2: float, low: float, high: float) -> tuple[float, float]:
    """To the figures that no order of adding up changes."""
    return _in_parts(mean, max(abs(low), abs(high))), _figures(m2)


def _in_parts(mean: float, scale: float) -> float:
    if not scale or not math.isfinite(scale) or not math.isfinite(mean):
        return mean
    return round(mean, _DIGITS - 1 - math.floor(math.log10(scale)))


def _figures(value: float) -> float:
    return float(f"{value:.{_FIGURES - 1}e}")
