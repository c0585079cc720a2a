"""What is the same in everything written by hand: PSI, and which counts mean which fault."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found
from benchmarks.judging.rules import Rules

_LEAST: Final = 1e-4  # share of a bin that is empty


def psi(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """The population stability index of two sets of counts with the same bins."""
    total, rows = sum(before.values()), sum(now.values())
    shares = [
        (max(before.get(name, 0) / total, _LEAST), max(now.get(name, 0) / rows, _LEAST))
        for name in before.keys() | now.keys()
    ]
    return sum((new - old) * math.log(new / old) for old, new in shares)


def steps(below: list[int], present: int) -> dict[str, int]:
    """Rows in each bin, from the rows at or below each edge."""
    counts = [high - low for low, high in zip([0, *below], [*below, present], strict=True)]
    return {str(n): count for n, count in enumerate(counts)}


def findings(rules: Rules, seen: Mapping[str, Any], shifted: Iterable[str]) -> Found:
    """`seen` has `rows`, `across`, and for `<column> nulls|range|values|pattern|distinct|max` what was counted."""
    kinds = {kind for field in rules.fields for kind in _of(field, seen)}
    kinds |= {r.ACROSS} if seen["across"] else set()
    kinds |= {r.SHIFT} if list(shifted) else set()
    oldest = datetime.fromisoformat(r.ARRIVED).replace(tzinfo=None) - timedelta(hours=r.MAX_AGE_HOURS)
    kinds |= {r.STALE} if seen[f"{rules.earlier} max"] < oldest else set()
    return dict.fromkeys(sorted(kinds))


def _of(field: r.Field, seen: Mapping[str, Any]) -> Iterable[str]:
    nulls, rows = seen[f"{field.name} nulls"], seen["rows"]
    if field.nullable and nulls > r.MAX_MISSING * rows:
        yield r.MISSING_RATE
    if not field.nullable and nulls:
        yield r.MISSING_VALUE
    for part, kind in (("range", r.RANGE), ("values", r.CATEGORY), ("pattern", r.PATTERN)):
        if seen.get(f"{field.name} {part}"):
            yield kind
    if field.unique and seen[f"{field.name} distinct"] < rows:
        yield r.DUPLICATE
