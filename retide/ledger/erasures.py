"""What is deleted after it arrived: it takes part in nothing new, and what was made of it is marked."""

from __future__ import annotations

from dataclasses import replace

from retide.domain.codec import parse
from retide.domain.intake import Erasure, Mark
from retide.domain.ledger import AcceptedObject, ObjectRecord, ObjectState
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
        # An event that came twice is worked on at the same time, too: one of them finds the heir, and only that one.
        when = When(equals={"state": record.state.value, "deleted_at": None})
        if record.state is ObjectState.PENDING:
            values = {"state": ObjectState.WITHDRAWN.value, "deleted_at": now, "ended_at": now}
            batch = () if record.batch is None else (Delete(keys.held(model, record.batch, record.id)),)
            return (Update(name, values, when), Delete(keys.pending(model, record.arrived_at, record.id)), *batch)
        update = Update(name, {"deleted_at": now}, when)
        if record.state is not ObjectState.ACCEPTED:
            return (update,)
        erasure = Erasure(record.id, record.key, record.version, now)
        remembered = Put(keys.erased(model, record.id), fields(erasure))
        return (update, remembered, *self._succession(model, record))

    def _succession(self, model: str, gone: ObjectRecord) -> tuple[Operation, ...]:
        """What was accepted is taken out of the data; the same rows in an object that is still there take its place.

        Where there is none, the same rows, sent anew, are no duplicate of what is gone.
        """
        place, marker = keys.accepted(model, gone.arrived_at, gone.id), keys.curated(model, gone.curated or "")
        item, known = self._table.get(place), self._table.get(marker) or {}
        # A duplicate that comes in between changes the marker: then all of this is looked at again.
        unchanged = When(equals={"object": known.get("object"), "duplicate": known.get("duplicate")})
        heir = self._heir(model, gone)
        if item is None or heir is None:
            return (Delete(place), Delete(marker, unchanged))
        taken = replace(
            parse(AcceptedObject, item),
            id=heir.id,
            key=heir.key,
            version=heir.version,
            verdict=heir.verdict or "",
            arrived_at=heir.arrived_at,
            sequencer=heir.sequencer,
        )
        alive = When(equals={"state": ObjectState.DUPLICATE.value, "deleted_at": None})
        return (
            Delete(place),
            Update(keys.object_version(model, heir.id), {"state": ObjectState.ACCEPTED.value}, alive),
            Put(keys.accepted(model, heir.arrived_at, heir.id), fields(taken)),
            Put(marker, {"object": heir.id}, unchanged),
        )

    def _heir(self, model: str, gone: ObjectRecord) -> ObjectRecord | None:
        """The first object that is still there and was not accepted, for its rows were known from the one that goes."""
        items = self._table.query(keys.partition(model), keys.OBJECT)
        same = (parse(ObjectRecord, item) for item in items if item.get("curated") == gone.curated)
        heirs = [one for one in same if one.state is ObjectState.DUPLICATE and one.deleted_at is None]
        return min(heirs, key=lambda one: (one.arrived_at, one.id), default=None)
