"""What arrives: objects, batches that become complete, requests, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retide.domain.codec import parse
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import Arrival, ObjectState, Refusal, Request, Waiting
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import Check, ConditionFailed, Delete, Operation, Put, Update, When


class Intake(Base):
    def arrive(self, model: str, arrival: Arrival, batch: str | None = None) -> bool:
        """Remember an object version once; False if it is known. In an incomplete batch it is held back."""
        while not self._known(model, arrival.id):
            complete = batch is None or self._table.get(keys.batch(model, batch)) is not None
            pointer = _pointer(model, arrival, None if complete else batch)
            try:
                self._table.transact(*_object(model, arrival, batch), *pointer)
            except ConditionFailed:
                continue  # the same object or its batch's marker came in between: look again
            return True
        return False

    def complete_batch(self, model: str, batch: str, marker: str) -> int:
        """The batch's marker came: let go what was held back for it; returns how many objects that were."""
        try:
            values = {"name": batch, "marker": marker, "at": self._now()}
            self._table.transact(Put(keys.batch(model, batch), values, When(absent=True)))
        except ConditionFailed:
            pass  # a marker twice: still let go what an interrupted call left behind
        held = self._table.query(keys.partition(model), keys.held_prefix(batch))
        return sum(self._let_go(model, batch, item) for item in held)

    def held(self, model: str) -> tuple[ObjectVersion, ...]:
        """Objects of batches whose marker has not come yet."""
        items = self._table.query(keys.partition(model), "held#")
        return tuple(ObjectVersion(item["key"], item["version"]) for item in items)

    def ask(self, model: str, request: Request) -> bool:
        """Remember a request once; False if its key is known."""
        values = fields(request)
        try:
            self._table.transact(
                Put(keys.request(model, request.key), {**values, "state": "pending"}, When(absent=True)),
                Put(keys.wanted(model, request.key), values),
            )
        except ConditionFailed:
            return False
        return True

    def refuse(self, refusal: Refusal) -> None:
        """Remember what is not taken; the same refusal twice is one."""
        try:
            self._table.transact(Put(keys.refused(refusal.subject, refusal.reason), fields(refusal), When(absent=True)))
        except ConditionFailed:
            return

    def refusals(self) -> tuple[Refusal, ...]:
        found = (parse(Refusal, item) for item in self._table.query(keys.REFUSED, "refused#"))
        return tuple(sorted(found, key=lambda refusal: refusal.at))

    def waiting(self, model: str) -> Waiting:
        """What no run has finished, claimed or not, oldest first."""
        partition = keys.partition(model)
        objects = self._table.query(partition, keys.PENDING)
        wanted = self._table.query(partition, keys.WANTED)
        requests = sorted((parse(Request, item) for item in wanted), key=lambda request: (request.at, request.key))
        return Waiting(
            objects=tuple(ObjectVersion(item["key"], item["version"]) for item in objects),
            requests=tuple(requests),
            fresh=any("run" not in item and "tried" not in item for item in (*objects, *wanted)),
        )

    def _known(self, model: str, object_id: str) -> bool:
        return self._table.get(keys.object_version(model, object_id)) is not None

    def _let_go(self, model: str, batch: str, item: Mapping[str, Any]) -> int:
        version = ObjectVersion(item["key"], item["version"])
        try:
            self._table.transact(
                Delete(keys.held(model, batch, version.id), When(equals={"key": version.key})),
                Put(
                    keys.pending(model, item["arrived_at"], version.id),
                    {"key": version.key, "version": version.version},
                ),
                Update(keys.object_version(model, version.id), {"batch": batch}),
            )
        except ConditionFailed:
            return 0
        return 1


def _object(model: str, arrival: Arrival, batch: str | None) -> tuple[Operation, ...]:
    values = {**fields(arrival), "id": arrival.id, "state": ObjectState.PENDING.value}
    values |= {"batch": batch} if batch is not None else {}
    return (Put(keys.object_version(model, arrival.id), values, When(absent=True)),)


def _pointer(model: str, arrival: Arrival, held_for: str | None) -> tuple[Operation, ...]:
    """Pointers make "what waits" one consistent query; a held one exists only while the batch has no marker."""
    values = {"key": arrival.key, "version": arrival.version, "arrived_at": arrival.arrived_at}
    if held_for is None:
        return (Put(keys.pending(model, arrival.arrived_at, arrival.id), values),)
    marker = Check(keys.batch(model, held_for), When(absent=True))
    return (Put(keys.held(model, held_for, arrival.id), values), marker)
