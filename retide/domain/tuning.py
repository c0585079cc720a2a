"""Which hyperparameters are tried, and on how many rows: pure functions of a contract's section and its seed.

Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization": each round keeps
the better part of the candidates and gives each of them more rows.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.contract_tuning import Range, Tuning, Values

LEAST_ROWS: Final = 500  # below, folds say more about chance than about candidates
DIGITS: Final = 6  # of a drawn number: libraries of mathematics differ in the last ones
PATIENCE: Final = 20  # draws for each candidate that is wanted, in a space with few of them

type Space = Mapping[str, Range | Values]
type Chosen = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """So many candidates are cross-validated on so many rows."""

    candidates: int
    rows: int


def rounds(candidates: int, available: int, tuning: Tuning) -> tuple[Round, ...]:
    """The last one has `tuning.rows`, or all that are `available`; none has fewer than LEAST_ROWS, but for that."""
    sizes, left = [min(available, tuning.rows)], candidates
    while left > tuning.keep and sizes[0] // tuning.keep >= LEAST_ROWS:
        sizes.insert(0, sizes[0] // tuning.keep)
        left = -(-left // tuning.keep)
    return tuple(Round(-(-candidates // tuning.keep**place), rows) for place, rows in enumerate(sizes))


def draw(space: Space, count: int, seed: int) -> tuple[Chosen, ...]:
    """What the candidates change of the contract's parameters, each once; the first is as the contract says: nothing.

    A space that holds no more than that is tried whole. Candidate n is the same whatever the count.
    """
    if size(space) < count:
        return ({}, *_all(space)) if space else ({},)
    found: dict[str, Chosen] = {"": {}}
    for number in range(1, count * PATIENCE):
        if len(found) >= count:
            break
        chosen = {name: _drawn(of, _fraction(f"{seed}/{number}/{name}")) for name, of in sorted(space.items())}
        found.setdefault(json.dumps(chosen, sort_keys=True), chosen)
    return tuple(found.values())


def size(space: Space) -> float:
    """How many candidates a space holds: 0 of an empty one, infinity where a range is one of fractions."""
    return math.prod(_count(of) for of in space.values()) if space else 0


def _count(of: Range | Values) -> float:
    if isinstance(of, Range):
        return of.maximum - of.minimum + 1 if of.integer else math.inf
    return len(of)


def _all(space: Space) -> Iterator[Chosen]:
    names = sorted(space)
    for values in itertools.product(*(_each(space[name]) for name in names)):
        yield dict(zip(names, values, strict=True))


def _each(of: Range | Values) -> Values:
    return tuple(range(int(of.minimum), int(of.maximum) + 1)) if isinstance(of, Range) else of


def _fraction(name: str) -> float:
    """Evenly spread over [0, 1), the same for a name on every machine and version of Python."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48


def _drawn(of: Range | Values, fraction: float) -> Any:
    if not isinstance(of, Range):
        return of[int(fraction * len(of))]
    # Each whole number has a stretch of its own, the outermost ones as well.
    low, high = (of.minimum - 0.5, of.maximum + 0.5) if of.integer else (of.minimum, of.maximum)
    if of.log:
        value = math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
    else:
        value = low + fraction * (high - low)
    value = min(max(float(f"{value:.{DIGITS}g}"), of.minimum), of.maximum)
    return round(value) if of.integer else value
