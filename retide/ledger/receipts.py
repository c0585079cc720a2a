"""Which messages were taken from the queue and what became of each, and which objects they told of before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from retide.domain.codec import parse
from retide.domain.intake import Receipt
from retide.domain.ledger import ObjectState
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Put, When

AT_ONCE: Final = 100  # items of one transaction of DynamoDB


class Receipts(Base):
    def receive(self, *receipts: Receipt) -> None:
        """Remember what became of messages; the first receipt of a message stays, whatever it is delivered again."""
        left = tuple({(receipt.model, receipt.message): receipt for receipt in reversed(receipts)}.values())
        while left:
            some, left = left[:AT_ONCE], left[AT_ONCE:]
            try:
                self._table.transact(*map(receipt_put, some))
            except ConditionFailed as known:
                left += tuple(receipt for place, receipt in enumerate(some) if place not in known.failed)

    def states(self, objects: Iterable[tuple[str, str]]) -> Mapping[str, ObjectState]:
        """The states of those objects, by their ids, that are known: given are their models and ids."""
        found = self._table.get_many(tuple(keys.object_version(model, name) for model, name in objects))
        return {item["id"]: ObjectState(item["state"]) for item in found if item is not None}

    def receipts(self, model: str) -> tuple[Receipt, ...]:
        """In no order; of messages that belong to no model with an empty name."""
        items = self._table.query(keys.receipts(model), keys.MESSAGE)
        return tuple(parse(Receipt, item) for item in items)


def receipt_put(receipt: Receipt) -> Put:
    return Put(keys.message(receipt.model, receipt.message), fields(receipt), When(absent=True))
