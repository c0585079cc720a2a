"""How far the answers of one version depart from those of another that was asked the like: pure arithmetic."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import quantiles
from typing import Any, Final

from retide.domain.psi import BINS, Shift, shift

FEWEST: Final = 50  # answers of each, below which chance would be all that is seen
type Answer = Mapping[str, Any]


def departure(before: Sequence[Answer], now: Sequence[Answer]) -> Shift | None:
    """The largest shift of what predictions hold: label, probability, value; None where there are too few."""
    if min(len(before), len(now)) < FEWEST:
        return None
    return max(_shifts(before, now), key=lambda found: found.excess, default=None)


def _shifts(before: Sequence[Answer], now: Sequence[Answer]) -> Iterator[Shift]:
    for name in sorted({name for answer in before for name in answer}):
        old, new = _values(before, name), _values(now, name)
        if not old or not new:
            continue
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in (*old, *new)):
            yield _of_numbers(old, new)
        else:
            yield _of_texts(old, new)


def _values(answers: Iterable[Answer], name: str) -> list[Any]:
    """What stands under a name itself; what holds more, such as all probabilities, says the same again."""
    found = (answer.get(name) for answer in answers)
    return [value for value in found if value is not None and not isinstance(value, Mapping | list)]


def _of_numbers(before: Sequence[float], now: Sequence[float]) -> Shift:
    """Over tenths of the old ones."""
    edges = sorted(set(quantiles(before, n=BINS))) if len(before) > 1 else list(before)
    old, new = (Counter(bisect_right(edges, value) for value in values) for values in (before, now))
    return shift([(f"bin {place}", old[place], new[place]) for place in range(len(edges) + 1)])


def _of_texts(before: Sequence[object], now: Sequence[object]) -> Shift:
    old, new = Counter(map(str, before)), Counter(map(str, now))
    return shift([(name, old[name], new[name]) for name in sorted(old.keys() | new.keys())])
