"""Which rows are held out, by the contract: what two models must share to be judged on one holdout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.contract import Contract

BUCKETS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Split:
    """A row's bucket is a hash of its values in `columns`, or what is left of its `days` by its event time.

    Rows whose bucket lies below `below`, of BUCKETS, are the holdout. `types` has the columns' types, by which the
    values are written that the hash is of.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    days: int | None
    below: int

    def __str__(self) -> str:
        share = f"{self.below / BUCKETS:.4g}"
        if self.days:
            return f"the newest {share} of each {self.days} days by {self.columns[0]}"
        named = ", ".join(self.columns[:3]) + (f" and {len(self.columns) - 3} more columns" * (len(self.columns) > 3))
        return f"{share} of the rows by a hash of {named}"

    def apart(self, other: Mapping[str, Any] | None) -> str | None:
        """Why a model of another split may have learned from rows that this one holds out; None where it did not.

        A larger or smaller share alone is no reason: of two shares the smaller holdout is within the larger. `other`
        is as a model's manifest has it, None for one of a time when splits by a hash were not written down.
        """
        if other is None:
            return f"it was trained before splits were recorded, and now {self} is held out" if self.days else None
        before = Split(tuple(other["columns"]), tuple(other["types"]), other["days"], other["below"])
        if (before.columns, before.types, before.days) == (self.columns, self.types, self.days):
            return None
        return f"when it was trained {before} was held out, and now {self} is"


def split_of(contract: Contract) -> Split:
    content = (*(column.name for column in contract.features), contract.target)
    names = (contract.event_time,) if contract.period and contract.event_time else contract.id or content
    types = tuple(contract.column(name).type.value for name in names)
    return Split(names, types, contract.period, bucket_threshold(contract))


def bucket_threshold(contract: Contract) -> int:
    """Rows whose bucket lies below are the holdout."""
    return round(BUCKETS * contract.holdout)
