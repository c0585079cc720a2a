"""What all parts of the ledger share: the table, the clock, and reading items as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retide.domain.codec import parse, serialise
from retide.domain.ledger import Head
from retide.ledger import keys
from retide.ports import Check, Clock, ConditionFailed, Fenced, Operation, Table, When


class Base:
    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def head(self, model: str) -> Head:
        """Where the model stands; a model that nothing happened to yet stands before its first run."""
        return read_head(self._table.get(keys.head(model)))

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="microseconds")

    def _write_fenced(self, model: str, fence: int, *operations: Operation) -> None:
        """Write only while the lease's token is `fence`; raises Fenced, or ConditionFailed of `operations`."""
        try:
            self._table.transact(*operations, fence_check(model, fence))
        except ConditionFailed as failed:
            if len(operations) in failed.failed:
                raise Fenced(f"the lease of {model} has passed on: token {fence} is no longer valid") from None
            raise


def fence_check(model: str, fence: int) -> Check:
    return Check(keys.head(model), When(equals={"token": fence}))


def read_head(item: Mapping[str, Any] | None) -> Head:
    item = item or {}
    return parse(Head, {**item, "stored": "generation" in item})


def fields(value: Any) -> dict[str, Any]:
    """A value as an item's fields; None is left out, as a missing field says the same."""
    return {name: item for name, item in serialise(value).items() if item is not None}
