"""What the objects of one run are judged against: fixed by the first who asks, the same for all who ask again."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.context import Basis
from retide.domain.layout import RunId
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Put, When


class Bases(Base):
    def basis(self, run: RunId) -> Basis | None:
        item = self._table.get(keys.basis(run))
        return None if item is None else parse(Basis, item)

    def fix_basis(self, run: RunId, fence: int, proposed: Basis) -> Basis:
        """The run's basis: `proposed`, unless somebody was first."""
        while (known := self.basis(run)) is None:
            try:
                self._write_fenced(run.model, fence, Put(keys.basis(run), fields(proposed), When(absent=True)))
            except ConditionFailed:
                continue  # somebody was first: read what they wrote
        return known
