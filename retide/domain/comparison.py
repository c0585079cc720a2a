"""How far new data lies from the champion's as a whole: which files tell it, and what the figure means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from retide.domain.dataset import Part

SAMPLE: Final = 20_000  # rows of each side that are looked at, at most


@dataclass(frozen=True, slots=True)
class DataDrift:
    """How well a classifier tells new rows from the champion's: `auc` is 0.5 where it cannot, 1 where it always can.

    `rows` of the new data and `before` of the champion's were looked at; `features` told most, the first most of all.
    """

    auc: float
    rows: int
    before: int
    features: tuple[str, ...] = ()

    @property
    def noise(self) -> float:
        """Four standard deviations of the AUC where there is no difference (Mann and Whitney 1947)."""
        return 4 * math.sqrt((self.rows + self.before + 1) / (12 * self.rows * self.before))

    def exceeds(self, limit: float) -> bool:
        """A limit that lies within the noise of so few rows is raised to it."""
        return self.auc > max(limit, 0.5 + self.noise)


def newest(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The newest files, oldest first, that hold SAMPLE rows together, or all there are."""
    chosen: list[Part] = []
    for part in reversed(parts):
        if sum(one.rows for one in chosen) >= SAMPLE:
            break
        chosen.insert(0, part)
    return tuple(chosen)


def arrived_since(parts: Sequence[Part], before: Sequence[Part]) -> tuple[Part, ...]:
    """The files that the champion did not learn from."""
    known = {part.curated for part in before}
    return tuple(part for part in parts if part.curated not in known)
