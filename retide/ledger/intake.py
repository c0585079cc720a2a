"""What arrives: objects, requests, and what is refused; and what of it waits for a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retide.domain.codec import parse
from retide.domain.intake import Receipt
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import Arrival, Cause, ObjectState, Refusal, Request, Waiting
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ledger.receipts import receipt_put
from retide.ports import Check, ConditionFailed, Operation, Put, Update, When


class Intake(Base):
    def arrive(self, model: str, arrival: Arrival, batch: str | None = None, receipt: Receipt | None = None) -> bool:
        """Remember an object version once; False if it is known. In an incomplete batch it is held back.

        `receipt` is that of the message which brings it: written with the object or not at all.
        """
        while not self._known(model, arrival.id):
            complete = batch is None or self._table.get(keys.batch(model, batch)) is not None
            pointer = _pointer(model, arrival, None if complete else batch)
            try:
                self._table.transact(_object(model, arrival, batch, receipt), *pointer, *_receipts(receipt))
            except ConditionFailed:
                if receipt is not None and self._table.get(keys.message(model, receipt.message)) is not None:
                    return False
                continue  # the same object or its batch's marker came in between: look again
            return True
        return False

    def ask(self, model: str, request: Request, receipt: Receipt | None = None) -> bool:
        """Remember a request once, and the message that brings it; False if its key is known.

        Whoever asks after executions had died before they claimed anything has them tried anew.
        """
        values = fields(request)
        try:
            self._table.transact(
                Put(keys.request(model, request.key), {**values, "state": "pending"}, When(absent=True)),
                Put(keys.wanted(model, request.key), values),
                *self._tried_anew(model, request),
                *_receipts(receipt),
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
        return self._waiting(model, self._table.query(keys.partition(model), keys.PENDING))

    def glance(self, model: str) -> Waiting:
        """The same, but of the objects only the newest ones, down to a fresh one: mostly that is the very newest."""
        seen: list[Mapping[str, Any]] = []
        for item in self._table.backwards(keys.partition(model), keys.PENDING):
            seen.append(item)
            if _fresh(item):
                break
        return self._waiting(model, seen[::-1])

    def _waiting(self, model: str, objects: Sequence[Mapping[str, Any]]) -> Waiting:
        wanted = self._table.query(keys.partition(model), keys.WANTED)
        requests = sorted((parse(Request, item) for item in wanted), key=lambda request: (request.at, request.key))
        return Waiting(
            objects=tuple(ObjectVersion(item["key"], item["version"]) for item in objects),
            requests=tuple(requests),
            fresh=any(map(_fresh, (*objects, *wanted))),
        )

    def _tried_anew(self, model: str, request: Request) -> tuple[Operation, ...]:
        mended = request.cause in {Cause.PERSON, Cause.CODE} and self.head(model).stillborn
        return (Update(keys.head(model), {"stillborn": None}),) if mended else ()

    def _known(self, model: str, object_id: str) -> bool:
        return self._table.get(keys.object_version(model, object_id)) is not None


def _fresh(item: Mapping[str, Any]) -> bool:
    return "run" not in item and "tried" not in item


def _object(model: str, arrival: Arrival, batch: str | None, receipt: Receipt | None) -> Put:
    values = {**fields(arrival), "id": arrival.id, "state": ObjectState.PENDING.value, "batch": batch}
    values["message"] = receipt.message if receipt else None
    return Put(keys.object_version(model, arrival.id), values, When(absent=True))


def _receipts(receipt: Receipt | None) -> tuple[Put, ...]:
    return () if receipt is None else (receipt_put(receipt),)


def _pointer(model: str, arrival: Arrival, held_for: str | None) -> tuple[Operation, ...]:
    """Pointers make "what waits" one consistent query; a held one exists only while the batch has no marker."""
    values = {"key": arrival.key, "version": arrival.version, "arrived_at": arrival.arrived_at}
    if held_for is None:
        return (Put(keys.pending(model, arrival.arrived_at, arrival.id), values),)
    marker = Check(keys.batch(model, held_for), When(absent=True))
    return (Put(keys.held(model, held_for, arrival.id), {**values, "batch": held_for}), marker)
