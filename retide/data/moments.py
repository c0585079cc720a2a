"""Mean and sum of squares of a column: the same whatever the order in which threads add its values up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from retide.data.engine import text
from retide.domain.contract import Column, ColumnType

EXACT: Final = 2**53  # below, whole numbers add up exactly as DOUBLE, in any order
_NARROW: Final = 9_000  # from the middle of a range: squares of 100 million of them stay below EXACT
_DIGITS: Final = 11  # of a mean, in parts of the largest value: far above what the order of a sum changes
_FIGURES: Final = 9  # of a sum of squares


def centre(column: Column) -> int | None:
    """The middle of a range of whole numbers so narrow that sums about it are exact, and far cheaper than others."""
    low, high = column.minimum, column.maximum
    if column.type is not ColumnType.INTEGER or low is None or high is None or high - low > 2 * _NARROW:
        return None
    return round((low + high) / 2)


def sql(number: str, middle: int | None) -> tuple[str, str]:
    """Of a column of type DOUBLE: its mean and variance, or the sums of differences from the middle, and of squares."""
    if middle is None:
        return f"favg({number})", f"var_pop({number})"
    step = f"({number} - {text(middle)}::DOUBLE)"
    return f"sum({step})", f"sum({step} * {step})"


def told(seen: Sequence[float], middle: int | None) -> tuple[float, float]:
    """Mean and sum of squared differences from it, of count, least, greatest and what `sql` asked for."""
    count, low, high, first, second = seen[:5]
    mean, m2 = first, second * count
    if middle is not None:
        mean, m2 = middle + first / count, (int(second) * int(count) - int(first) ** 2) / count
    return _in_parts(mean, max(abs(low), abs(high))), _figures(m2)


def _in_parts(mean: float, scale: float) -> float:
    if not scale or not math.isfinite(scale) or not math.isfinite(mean):
        return mean
    return round(mean, _DIGITS - 1 - math.floor(math.log10(scale)))


def _figures(value: float) -> float:
    return float(f"{value:.{_FIGURES - 1}e}")
