"""Statistics of a table that merge: the profile of two files together is the merge of their profiles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from retide.domain.contract import NUMERIC, Column, ColumnType

KEPT: Final = 1_000
BINS: Final = 20
QUANTILES: Final = (1, 5, 25, 50, 75, 95, 99)
COUNTED: Final = frozenset({ColumnType.CATEGORY, ColumnType.BOOLEAN})
_DECADES: Final = range(-6, 10)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Moments and a histogram of numbers; of timestamps the extremes alone, in seconds since 1970, UTC.

    `m2` is the sum of squared differences from the mean. `histogram` has one count more than `edges`: bin i holds the
    values in (edges[i-1], edges[i]], the last one what lies above all edges.
    """

    count: int
    minimum: float
    maximum: float
    mean: float | None = None
    m2: float | None = None
    edges: tuple[float, ...] = ()
    histogram: tuple[int, ...] = ()

    def quantile(self, share: float) -> float | None:
        """The value that this share of all lies at or below, read off the histogram; None without one.

        Between the edges of a bin it is interpolated: no further from the true value than the bin is wide, and never
        outside of the extremes.
        """
        below, wanted = 0, share * self.count
        bounds = (self.minimum, *(min(max(edge, self.minimum), self.maximum) for edge in self.edges), self.maximum)
        for count, low, high in zip(self.histogram, bounds, bounds[1:], strict=False):
            if count and below + count >= wanted:
                return low + (high - low) * max(0.0, wanted - below) / count
            below += count
        return self.maximum if self.histogram else None

    @property
    def quantiles(self) -> dict[str, float]:
        """By name, from p01 to p99; empty without a histogram."""
        found = {f"p{percent:02}": self.quantile(percent / 100) for percent in QUANTILES}
        return {name: value for name, value in found.items() if value is not None}

    def merge(self, other: Numbers) -> Numbers:
        """Raises ValueError where the edges differ. The moments are by Chan, Golub and LeVeque (1979)."""
        if self.edges != other.edges:
            raise ValueError("histograms over different edges do not merge")
        mean, m2 = self._moments(other)
        return Numbers(
            count=self.count + other.count,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            mean=mean,
            m2=m2,
            edges=self.edges,
            histogram=tuple(a + b for a, b in zip(self.histogram, other.histogram, strict=True)),
        )

    def _moments(self, other: Numbers) -> tuple[float | None, float | None]:
        if self.mean is None or self.m2 is None or other.mean is None or other.m2 is None:
            return None, None
        step, share = other.mean - self.mean, other.count / (self.count + other.count)
        return self.mean + step * share, self.m2 + other.m2 + step * step * self.count * share


@dataclass(frozen=True, slots=True)
class Categories:
    """How often each value occurs: exact up to KEPT different values.

    Beyond, those with the smallest hash stay, each with its exact count: unlike "the most frequent so far" that merges
    exactly in any order. `others` counts the rows of the values that were let go.
    """

    counts: Mapping[str, int]
    others: int = 0

    def merge(self, other: Categories) -> Categories:
        names = self.counts.keys() | other.counts.keys()
        total = sum(self.counts.values()) + sum(other.counts.values()) + self.others + other.others
        return keep({name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names}, total)

    @property
    def top(self) -> list[tuple[str, int]]:
        """The values kept, the most frequent first."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Rows without a value, and what fits the type: nothing more for an id, no `numbers` where all are null."""

    nulls: int
    numbers: Numbers | None = None
    categories: Categories | None = None

    def merge(self, other: ColumnProfile) -> ColumnProfile:
        return ColumnProfile(
            nulls=self.nulls + other.nulls,
            numbers=_merged(self.numbers, other.numbers),
            categories=_merged(self.categories, other.categories),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    rows: int
    columns: Mapping[str, ColumnProfile]

    def merge(self, other: Profile) -> Profile:
        """Raises ValueError for profiles of different columns."""
        if self.columns.keys() != other.columns.keys():
            raise ValueError(f"profiles differ in columns: {sorted(self.columns.keys() ^ other.columns.keys())}")
        columns = {name: column.merge(other.columns[name]) for name, column in self.columns.items()}
        return Profile(self.rows + other.rows, columns)

    def to_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "columns": {name: _plain(column) for name, column in self.columns.items()}}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Profile:
        return cls(raw["rows"], {name: _column(column) for name, column in raw["columns"].items()})


def edges(column: Column) -> tuple[float, ...]:
    """The fixed edges of a column's histogram: a function of the contract alone, so that counts of any files add up.

    BINS equal bins between min and max where both are given, else three bins a decade on both sides of zero.
    """
    if column.type not in NUMERIC:
        return ()
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        step = (high - low) / BINS
        return tuple(sorted({low + step * i for i in range(BINS)} | {high}))
    decades = [step * 10.0**exponent for exponent in _DECADES for step in (1, 2, 5)]
    return (*(-edge for edge in reversed(decades)), 0.0, *decades)


def keep(counts: Mapping[str, int], total: int) -> Categories:
    """The KEPT values with the smallest hash; `total` is the number of rows that have any value."""
    kept = dict(sorted(counts.items()))
    if len(kept) > KEPT:
        smallest = sorted(kept, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:KEPT]
        kept = {name: kept[name] for name in sorted(smallest)}
    return Categories(kept, total - sum(kept.values()))


def _merged[T: (Numbers, Categories)](one: T | None, other: T | None) -> T | None:
    return one.merge(other) if one and other else one or other


def _plain(column: ColumnProfile) -> dict[str, Any]:
    return {name: value for name, value in asdict(column).items() if value is not None}


def _column(raw: Mapping[str, Any]) -> ColumnProfile:
    return ColumnProfile(
        nulls=raw["nulls"],
        numbers=_numbers(raw["numbers"]) if "numbers" in raw else None,
        categories=Categories(**raw["categories"]) if "categories" in raw else None,
    )


def _numbers(raw: Mapping[str, Any]) -> Numbers:
    return Numbers(**{**raw, "edges": tuple(raw["edges"]), "histogram": tuple(raw["histogram"])})
