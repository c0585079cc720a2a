"""What is deleted after it arrived: it takes part in nothing new, and what was made of it is marked."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.intake import Erasure, Mark
from retide.domain.ledger import ObjectRecord, ObjectState
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Delete, Operation, Put, Update, When

TRIES = 10


class Erasures(Base):
    def erase(self, model: str, object_id: str) -> ObjectState | None:
        """The object's version was deleted: the state that it is in now, None for an object that nobody knows.

        What waits is withdrawn, what was accepted is in no new dataset; a run that judges it right now sees for itself.
        """
        for _ in range(TRIES):
            item = self._table.get(keys.object_version(model, object_id))
            if item is None:
                return None
            record = parse(ObjectRecord, item)
            if record.deleted_at is not None:
                return record.state
            try:
                self._table.transact(*self._ending(model, record))
            except ConditionFailed:
                continue  # a run claimed or judged it in between: look again
            return ObjectState.WITHDRAWN if record.state is ObjectState.PENDING else record.state
        raise RuntimeError(f"object {object_id} of {model} changes again and again; trying again later")

    def erasures(self, model: str) -> tuple[Erasure, ...]:
        """Objects that were part of the data when they were deleted."""
        items = self._table.query(keys.partition(model), keys.ERASED)
        return tuple(parse(Erasure, item) for item in items)

    def mark_dataset(self, model: str, mark: Mark) -> None:
        """A dataset holds rows of a deleted object; repeated, it says the same."""
        self._table.transact(Put(keys.mark(model, mark.dataset, mark.object), fields(mark)))

    def marks(self, model: str, dataset: str = "") -> tuple[Mark, ...]:
        """Of one dataset, or of all."""
        items = self._table.query(keys.partition(model), keys.marks(dataset))
        return tuple(parse(Mark, item) for item in items)

    def _ending(self, model: str, record: ObjectRecord) -> tuple[Operation, ...]:
        now, name = self._now(), keys.object_version(model, record.id)
        when = When(equals={"state": record.state.value})
        if record.state is ObjectState.PENDING:
            values = {"state": ObjectState.WITHDRAWN.value, "deleted_at": now, "ended_at": now}
            batch = () if record.batch is None else (Delete(keys.held(model, record.batch, record.id)),)
            return (Update(name, values, when), Delete(keys.pending(model, record.arrived_at, record.id)), *batch)
        update = Update(name, {"deleted_at": now}, when)
        if record.state is not ObjectState.ACCEPTED:
            return (update,)
        erasure = Erasure(record.id, record.key, record.version, now)
        gone = Delete(keys.accepted(model, record.arrived_at, record.id))
        # So that the same rows, sent anew, are no duplicate of what is gone.
        unknown = Delete(keys.curated(model, record.curated or ""))
        return (update, gone, unknown, Put(keys.erased(model, record.id), fields(erasure)))
