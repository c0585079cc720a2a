"""What the reconciler did last, how often it has sent a dead letter again, and those that it gave up."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.intake import Parked, Reconciliation
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Delete, Put, Update, When


class Reconciliations(Base):
    def note_reconciled(self, outcome: str, acts: tuple[str, ...], failed: tuple[str, ...]) -> None:
        """The last time is kept; the log has them all."""
        last = Reconciliation(self._now(), outcome, acts, failed)
        self._table.transact(Put(keys.reconciled(), fields(last)))

    def reconciliation(self) -> Reconciliation | None:
        item = self._table.get(keys.reconciled())
        return None if item is None else parse(Reconciliation, item)

    def count_redrive(self, name: str) -> int:
        """How often the message was taken from the dead letters, this time included."""
        while True:
            key = keys.redriven(name)
            seen = (self._table.get(key) or {}).get("count")
            try:
                values = {"count": (seen or 0) + 1, "at": self._now()}
                self._table.transact(Update(key, values, When(equals={"count": seen})))
            except ConditionFailed:
                continue  # another reconciler counted in between
            return (seen or 0) + 1

    def park(self, letter: Parked) -> bool:
        """Keep a letter that is dead for good; False for one that is kept already."""
        try:
            self._table.transact(Put(keys.dead_letter(letter.name), fields(letter), When(absent=True)))
        except ConditionFailed:
            return False
        return True

    def unpark(self, name: str) -> None:
        """It was sent again by a person, and may be redriven as often as any other."""
        self._table.transact(Delete(keys.dead_letter(name)), Delete(keys.redriven(name)))
