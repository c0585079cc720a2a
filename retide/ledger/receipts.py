"""Which messages were taken from the queue and what became of each: the receipts that accounts are made of."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.intake import Receipt
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Put, When


class Receipts(Base):
    def receive(self, receipt: Receipt) -> None:
        """Remember what became of a message; the first receipt of a message stays, whatever it is delivered again."""
        try:
            self._table.transact(receipt_put(receipt))
        except ConditionFailed:
            return

    def receipts(self, model: str) -> tuple[Receipt, ...]:
        """In no order; of messages that belong to no model with an empty name."""
        items = self._table.query(keys.receipts(model), keys.MESSAGE)
        return tuple(parse(Receipt, item) for item in items)


def receipt_put(receipt: Receipt) -> Put:
    return Put(keys.message(receipt.model, receipt.message), fields(receipt), When(absent=True))
