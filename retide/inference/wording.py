"""Numbers and shares as a person would write them, and ranges with slack in human numbers."""

from __future__ import annotations

import math
from typing import Final

_DIGITS: Final = 10


def number(value: float) -> str:
    """As YAML reads it as a number again, without a fraction where there is none."""
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e15):
        return str(int(value))
    text = repr(round(value, _DIGITS) or value)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}{'' if '.' in mantissa or not e else '.0'}{e}{exponent}"


def short(value: float) -> str:
    """For people: six digits at most where there is a fraction."""
    return number(value) if float(value) == int(value) else f"{value:.6g}"


def percent(share: float) -> str:
    """12 %, 0.4 %, under 0.01 %."""
    if share >= 0.1:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2g} %" if share >= 0.0001 or not share else "under 0.01 %"


def widened(low: float, high: float) -> tuple[float, float]:
    """Half as much again on either side, to the next human number; what is never negative stays so."""
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span)) / 2
    least = math.floor((low - span / 2) / step) * step
    most = math.ceil((high + span / 2) / step) * step
    least = max(0.0, least) if low >= 0 else least
    most = min(0.0, most) if high <= 0 else most
    return _clean(min(least, low)), _clean(max(most, high))


def rounded_up(share: float) -> float:
    """A share of missing values with slack: half as many again and two in a hundred."""
    return min(1.0, math.ceil((1.5 * share + 0.02) * 100) / 100)


def significant(value: float, digits: int = 2) -> float:
    """Rounded to so many digits."""
    if not value or not math.isfinite(value):
        return value
    return _clean(round(value, digits - 1 - math.floor(math.log10(abs(value)))))


def _clean(value: float) -> float:
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.12g}")


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
