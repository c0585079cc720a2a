"""Gather what the ledger says of a model's intake, for its accounts."""

from __future__ import annotations

from retide.domain.accounting import Books, Pointer
from retide.domain.codec import parse
from retide.domain.intake import Deferral, Origin, Parked, Receipt
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import ObjectRecord
from retide.ledger import keys
from retide.ledger.base import Base


class Bookkeeping(Base):
    def parked(self) -> tuple[Parked, ...]:
        """Letters that are dead for good, oldest first."""
        found = (parse(Parked, item) for item in self._table.query(keys.REFUSED, keys.DEAD))
        return tuple(sorted(found, key=lambda letter: (letter.at, letter.name)))

    def books(self, model: str) -> Books:
        """Read one after the other, so that they balance exactly only where nothing moves meanwhile."""
        partition = keys.partition(model)
        deferral = self._table.get(keys.deferral(model))
        return Books(
            receipts=tuple(parse(Receipt, item) for item in self._table.query(partition, keys.MESSAGE)),
            objects=tuple(parse(ObjectRecord, item) for item in self._table.query(partition, keys.OBJECT)),
            pending=tuple(
                Pointer(ObjectVersion(item["key"], item["version"]).id, item.get("run"), item.get("tried"))
                for item in self._table.query(partition, keys.PENDING)
            ),
            held=tuple(
                ObjectVersion(item["key"], item["version"]).id for item in self._table.query(partition, keys.HELD)
            ),
            accepted=tuple(item["id"] for item in self._table.query(partition, keys.ACCEPTED)),
            deferral=None if deferral is None else parse(Deferral, deferral),
            parked=tuple(one for one in self.parked() if (one.model, one.origin) == (model, Origin.ARRIVALS)),
        )
