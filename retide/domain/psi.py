"""The population stability index of two counts over the same bins, and how much of it chance alone brings about."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from retide.domain.profile import Categories, Numbers

BINS: Final = 10
HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin in words, with the share of rows that it held in the reference and holds now."""

    name: str
    before: float
    now: float

    @property
    def part(self) -> float:
        """What it adds to the index; never negative."""
        return (self.now - self.before) * math.log(self.now / self.before)

    def __str__(self) -> str:
        return f"{self.name}: {_percent(self.before)} → {_percent(self.now)}"


@dataclass(frozen=True, slots=True)
class Shift:
    """A distribution against its reference: `expected` is the index that chance brings about, `spread` its deviation.

    Without any drift the index of n rows against m is about (1/n + 1/m) times a chi-square value of B - 1 degrees of
    freedom for B bins (Yurdakul 2018, "Statistical properties of population stability index"): hence its mean
    (B-1)(1/n+1/m) and its standard deviation sqrt(2(B-1))(1/n+1/m).
    """

    bins: tuple[Bin, ...]
    expected: float
    spread: float

    @property
    def index(self) -> float:
        return sum(found.part for found in self.bins)

    @property
    def excess(self) -> float:
        """The index less what chance alone would bring about: the size of the effect, not its significance."""
        return max(0.0, self.index - self.expected)

    def exceeds(self, limit: float) -> bool:
        """A limit that lies within the noise of so few rows is raised to four standard deviations of it."""
        return self.excess > max(limit, 4 * self.spread)

    @property
    def moved(self) -> tuple[Bin, ...]:
        """The bins that add most, the first first."""
        return tuple(sorted(self.bins, key=lambda found: -found.part))[:3]


def of_numbers(before: Numbers, now: Numbers) -> Shift | None:
    """Over bins that hold about a tenth of the reference each; None where the two have no edge in common.

    What lies below and above all that the reference has seen is a bin of its own. Edges that only one of the two knows
    (its range in the contract was another one) are left out, which adds up exactly.
    """
    shared = set(now.edges)
    edges = [edge for edge in before.edges if edge in shared]
    if not edges:
        return None
    old, new, bounds = _over(before, edges), _over(now, edges), [-math.inf, *edges, math.inf]
    cuts = _cuts(old)
    return shift([(_span(bounds[a], bounds[b]), sum(old[a:b]), sum(new[a:b])) for a, b in pairwise(cuts)])


def of_categories(before: Categories, now: Categories) -> Shift | None:
    """Over the most frequent values of the reference, and one bin for its others; None where either side has no rows.

    Values that a reference which lists all of its own does not know are left out: how many there are is another rule.
    """
    top = [name for name, _ in before.top[: BINS - 1]]
    named = [(repr(name), before.counts[name], now.counts.get(name, 0)) for name in top]
    old = _total(before) - sum(count for _, count, _ in named)
    known = _total(now) if before.others else sum(now.counts.get(name, 0) for name in before.counts)
    new = known - sum(count for _, _, count in named)
    return shift([*named, ("all other values", old, new)]) if known and _total(before) else None


def shift(counts: Sequence[tuple[str, int, int]]) -> Shift:
    """From (name, rows before, rows now) of each bin; there must be rows on both sides.

    Half a row is added to each bin that holds anything: one that is empty on one side would make the index infinite.
    """
    held = [one for one in counts if one[1] or one[2]]
    before, now = sum(old + HALF for _, old, _ in held), sum(new + HALF for _, _, new in held)
    found = tuple(Bin(name, (old + HALF) / before, (new + HALF) / now) for name, old, new in held)
    scale, free = 1 / before + 1 / now, len(found) - 1
    return Shift(found, free * scale, math.sqrt(2 * free) * scale)


def _over(numbers: Numbers, edges: Sequence[float]) -> list[int]:
    """The histogram over some of its own edges: the last one holds what lies above them all."""
    counts, uppers = [0] * (len(edges) + 1), (*numbers.edges, math.inf)
    for upper, count in zip(uppers, numbers.histogram, strict=True):
        counts[bisect_left(edges, upper)] += count
    return counts


def _cuts(counts: Sequence[int]) -> list[int]:
    """Where bins begin and end: a tenth of all in each, the remainder in the last, and both empty ends apart."""
    held = [place for place, count in enumerate(counts) if count]
    cuts, seen, share = [held[0]], 0, sum(counts) / BINS
    for place in range(held[0], held[-1] + 1):
        seen += counts[place]
        if seen >= share:
            cuts.append(place + 1)
            seen = 0
    cuts[-1] = held[-1] + 1
    return sorted({0, *cuts, len(counts)})


def _span(low: float, high: float) -> str:
    if math.isinf(low):
        return "any" if math.isinf(high) else f"up to {high:g}"
    return f"above {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


def _total(found: Categories) -> int:
    return sum(found.counts.values()) + found.others


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "< 0.1%"
