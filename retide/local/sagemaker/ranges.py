"""What a tuning job tries: parameter ranges as AWS takes them, drawn at random or laid out as a grid."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from retide.local.errors import invalid, refuse_repeated
from retide.local.interfaces import Json

KINDS: Final = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")
MOST: Final = 30  # parameters, and values of a categorical one
LOGARITHMIC: Final = "Logarithmic"
REVERSED: Final = "ReverseLogarithmic"

type Point = dict[str, str]


@dataclass(frozen=True, slots=True)
class Ranges:
    """By name; every value is text, as hyperparameters are."""

    integers: dict[str, tuple[int, int, str]]
    continuous: dict[str, tuple[float, float, str]]
    categories: dict[str, tuple[str, ...]]

    @classmethod
    def parse(cls, given: Json) -> Ranges:
        """Raises ValidationException for what AWS refuses."""
        refuse_repeated("Names of hyperparameters", [one["Name"] for kind in KINDS for one in given.get(kind, ())])
        found = cls(
            {one["Name"]: _bounds(one, whole=True) for one in given.get(KINDS[0], ())},  # type: ignore[misc]
            {one["Name"]: _bounds(one, whole=False) for one in given.get(KINDS[1], ())},
            {one["Name"]: _values(one) for one in given.get(KINDS[2], ())},
        )
        if not 1 <= len(found.names) <= MOST:
            raise invalid(f"{len(found.names)} hyperparameters are to be tuned: 1 to {MOST} can be")
        return found

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.integers, *self.continuous, *self.categories))

    def drawn(self, generator: random.Random) -> Iterator[Point]:
        """Without end."""
        while True:
            point = {name: str(round(_drawn(generator, *_widened(of)))) for name, of in self.integers.items()}
            point |= {name: repr(_drawn(generator, *of)) for name, of in self.continuous.items()}
            yield point | {name: generator.choice(values) for name, values in self.categories.items()}

    def grid(self) -> list[Point]:
        """Raises ValidationException where there are ranges: AWS lays out categories only."""
        if self.integers or self.continuous:
            raise invalid("The Grid strategy only takes CategoricalParameterRanges")
        return [
            dict(zip(self.categories, values, strict=True)) for values in itertools.product(*self.categories.values())
        ]


def _bounds(one: Json, *, whole: bool) -> tuple[float, float, str]:
    name, scale = one["Name"], one.get("ScalingType", "Auto")
    try:
        low, high = ((int if whole else float)(one[end]) for end in ("MinValue", "MaxValue"))
    except ValueError as problem:
        kind = "whole numbers" if whole else "numbers"
        raise invalid(f"MinValue and MaxValue of {name} must be {kind}") from problem
    if not low < high:
        raise invalid(f"MinValue of {name} ({low}) must be less than its MaxValue ({high})")
    if scale == LOGARITHMIC and low <= 0:
        raise invalid(f"{name} can be scaled as Logarithmic only where its MinValue is above 0")
    if scale == REVERSED and (whole or not 0 <= low < high < 1):
        raise invalid(f"{name} can be scaled as ReverseLogarithmic only where it is continuous, within 0 <= x < 1")
    return low, high, scale


def _values(one: Json) -> tuple[str, ...]:
    values = tuple(one["Values"])
    refuse_repeated(f"Values of {one['Name']}", values)
    if len(values) > MOST:
        raise invalid(f"{one['Name']} has {len(values)} values: at most {MOST} are allowed")
    return values


def _widened(of: tuple[int, int, str]) -> tuple[float, float, str]:
    """Every whole number has a stretch of its own."""
    low, high, scale = of
    return low - 0.499, high + 0.499, scale


def _drawn(generator: random.Random, low: float, high: float, scale: str) -> float:
    if scale == LOGARITHMIC:
        return math.exp(generator.uniform(math.log(low), math.log(high)))
    if scale == REVERSED:
        return 1 - math.exp(generator.uniform(math.log(1 - high), math.log(1 - low)))
    return generator.uniform(low, high)
