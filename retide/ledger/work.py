"""What a run does to objects and requests: claim them, judge them, hand back what it could not finish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retide.domain.codec import parse
from retide.domain.layout import ObjectVersion, RunId
from retide.domain.ledger import AcceptedObject, Claim, ClaimedObject, ObjectRecord, ObjectState, Request, RunRecord
from retide.domain.order import in_order
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Delete, Operation, Put, Update, When

TRIES = 10
BATCH = 24  # objects written by one transaction: at three operations each, well under the limit of 100


class Work(Base):
    def objects(self, model: str) -> tuple[ObjectRecord, ...]:
        """Every object version that ever arrived, oldest first."""
        items = self._table.query(keys.partition(model), keys.OBJECT)
        return tuple(sorted((parse(ObjectRecord, item) for item in items), key=lambda item: (item.arrived_at, item.id)))

    def object(self, model: str, object_id: str) -> ObjectRecord | None:
        item = self._table.get(keys.object_version(model, object_id))
        return None if item is None else parse(ObjectRecord, item)

    def claim_objects(self, run: RunId, objects: tuple[ObjectVersion, ...], fence: int) -> None:
        """Mark pending objects as this run's, also those that a run which died or failed had claimed."""
        for start in range(0, len(objects), BATCH):
            records = self._records(run.model, objects[start : start + BATCH])
            values = {"state": ObjectState.CLAIMED.value, "run": str(run)}
            self._mark(run, records, fence, values, {"run": str(run)})

    def give_back(self, run: RunId, fence: int, *, tried: bool) -> int:
        """Make pending again what the run claimed and did not judge; returns how many objects that were.

        What was `tried` starts no run by itself, but goes into the next one.
        """
        held = [item for item in self._pointers(run.model, keys.PENDING) if item.get("run") == str(run)]
        records = self._records(run.model, tuple(ObjectVersion(item["key"], item["version"]) for item in held))
        values = {"state": ObjectState.PENDING.value, "run": None}
        for start in range(0, len(records), BATCH):
            pointer = {"run": None, "tried": str(run) if tried else None}
            self._mark(run, records[start : start + BATCH], fence, values, pointer)
        return len(records)

    def give_back_requests(self, run: RunId, fence: int) -> None:
        """Make pending again the requests that the run claimed and did not answer."""
        for item in self._pointers(run.model, keys.WANTED):
            if item.get("run") == str(run):
                open_ = Update(keys.request(run.model, item["key"]), {"state": "pending", "run": None})
                self._write_fenced(run.model, fence, open_, Update(keys.wanted(run.model, item["key"]), {"run": None}))

    def claim_request(self, run: RunId, request: Request, fence: int) -> None:
        values = {"state": "claimed", "run": str(run)}
        self._write_fenced(
            run.model,
            fence,
            Update(keys.request(run.model, request.key), values),
            Update(keys.wanted(run.model, request.key), {"run": str(run)}),
        )

    def finish_request(self, run: RunId, request: Request, fence: int) -> None:
        """A request ends with the run that answered it, whatever the answer was."""
        values = {"state": "done", "run": str(run), "ended_at": self._now()}
        done = Update(keys.request(run.model, request.key), values)
        self._write_fenced(run.model, fence, done, Delete(keys.wanted(run.model, request.key)))

    def claimed(self, run: RunId) -> Claim:
        """The run's claim with every object's present state; raises LookupError for a run that claimed nothing."""
        record = self._run_record(run)
        items = self._table.get_many(tuple(keys.object_version(run.model, name) for name in record.objects))
        return Claim(tuple(parse(ClaimedObject, item) for item in items), record.requests)

    def claimed_object(self, run: RunId, object_id: str) -> ClaimedObject:
        """One object of the claim, read alone: a run's record grows with its objects. Raises LookupError."""
        item = self._table.get(keys.object_version(run.model, object_id))
        if item is None or item.get("run") != str(run):
            raise LookupError(f"run {run} has not claimed the object {object_id}")
        return parse(ClaimedObject, item)

    def accept(
        self,
        run: RunId,
        fence: int,
        object_id: str,
        *,
        curated: str,
        rows: int,
        verdict: str,
        events: tuple[str | None, str | None] = (None, None),
        rejected: int = 0,
    ) -> ObjectState:
        """Take an object into the data; DUPLICATE when another one brought the same curated bytes before.

        `events` are its first and last event time (ISO 8601); `rejected` rows were taken out, and are not in `rows`.
        """
        found = {"curated": curated, "rows": rows, "verdict": verdict, "rejected": rejected or None}
        for _ in range(TRIES):
            record = self._open_record(run, object_id)
            if record.state.terminal:
                return record.state
            if record.deleted_at is not None:
                return self.withdraw(run, fence, object_id)
            try:
                return self._take(run, fence, record, found, events)
            except ConditionFailed:
                continue  # it was judged or deleted in between, or who has the same rows was: look again
        raise RuntimeError(f"object {object_id} of {run.model} changes again and again; trying again later")

    def quarantine(self, run: RunId, fence: int, object_id: str, *, verdict: str) -> ObjectState:
        record = self._open_record(run, object_id)
        return (
            record.state
            if record.state.terminal
            else self._end_or_read(run, fence, record, ObjectState.QUARANTINED, {"verdict": verdict})
        )

    def withdraw(self, run: RunId, fence: int, object_id: str) -> ObjectState:
        """The object version was deleted before anybody could judge it."""
        record = self._open_record(run, object_id)
        return (
            record.state if record.state.terminal else self._end_or_read(run, fence, record, ObjectState.WITHDRAWN, {})
        )

    def begin_judging(self, run: RunId, fence: int, object_id: str, tries: int) -> None:
        """Remember how often the judging of an object has begun, until it comes to an end."""
        self._note(run, fence, object_id, {"tries": tries})

    def note_crash(self, run: RunId, fence: int, object_id: str, words: str) -> None:
        self._note(run, fence, object_id, {"crash": words})

    def end_judging(self, run: RunId, fence: int, object_id: str) -> None:
        """What broke off before is forgotten: only judging that ends nowhere counts."""
        self._note(run, fence, object_id, {"tries": None, "crash": None})

    def accepted(self, model: str) -> tuple[AcceptedObject, ...]:
        """In the order of arrival, versions of one key in the order of their making."""
        items = self._table.query(keys.partition(model), keys.ACCEPTED)
        return in_order([parse(AcceptedObject, item) for item in items])

    def _take(
        self,
        run: RunId,
        fence: int,
        record: ObjectRecord,
        found: Mapping[str, Any],
        events: tuple[str | None, str | None],
    ) -> ObjectState:
        """Into the data, unless somebody has the same rows there; raises ConditionFailed where that changes meanwhile.

        Nobody is a duplicate of an object that was taken out of the data meanwhile: its rows would be in it no more.
        """
        marker = keys.curated(run.model, found["curated"])
        holder = (self._table.get(marker) or {}).get("object")
        if holder is not None:
            known = Update(marker, {"duplicate": record.id}, When(equals={"object": holder}))
            return self._end(run, fence, record, ObjectState.DUPLICATE, found, known)
        taken = AcceptedObject(
            record.id, record.key, record.version, found["curated"], found["rows"], found["verdict"],
            record.arrived_at, *events, record.sequencer,
        )  # fmt: skip
        mine = Put(marker, {"object": record.id}, When(absent=True))
        place = Put(keys.accepted(run.model, record.arrived_at, record.id), fields(taken))
        return self._end(run, fence, record, ObjectState.ACCEPTED, found, mine, place)

    def _end_or_read(
        self,
        run: RunId,
        fence: int,
        record: ObjectRecord,
        state: ObjectState,
        found: Mapping[str, Any],
        *more: Operation,
    ) -> ObjectState:
        """End the object; where another call of the same run ended it in between, answer what that one wrote."""
        try:
            return self._end(run, fence, record, state, found, *more)
        except ConditionFailed:
            now = self._open_record(run, record.id).state
            if not now.terminal:
                raise
            return now

    def _end(
        self,
        run: RunId,
        fence: int,
        record: ObjectRecord,
        state: ObjectState,
        found: Mapping[str, Any],
        *more: Operation,
    ) -> ObjectState:
        values = {**found, "state": state.value, "ended_at": self._now()}
        alive = {"deleted_at": None} if state is ObjectState.ACCEPTED else {}
        when = When(equals={"state": ObjectState.CLAIMED.value, "run": str(run), **alive})
        ended = Update(keys.object_version(run.model, record.id), values, when)
        self._write_fenced(
            run.model, fence, ended, Delete(keys.pending(run.model, record.arrived_at, record.id)), *more
        )
        return state

    def _note(self, run: RunId, fence: int, object_id: str, values: Mapping[str, Any]) -> None:
        self._write_fenced(run.model, fence, Update(keys.object_version(run.model, object_id), values))

    def _open_record(self, run: RunId, object_id: str) -> ObjectRecord:
        record = self.object(run.model, object_id)
        if record is None:
            raise LookupError(f"the ledger of {run.model} knows no object {object_id}")
        return record

    def _mark(
        self,
        run: RunId,
        records: list[ObjectRecord],
        fence: int,
        values: Mapping[str, Any],
        pointer: Mapping[str, Any],
    ) -> None:
        """Only what still waits: an object that was deleted meanwhile has ended."""
        for _ in range(TRIES):
            operations: list[Operation] = []
            for record in records:
                place = keys.pending(run.model, record.arrived_at, record.id)
                operations.append(Update(keys.object_version(run.model, record.id), values))
                operations.append(Update(place, pointer, When(equals={"key": record.key})))
            try:
                return self._write_fenced(run.model, fence, *operations)
            except ConditionFailed:
                names = tuple(ObjectVersion(record.key, record.version) for record in records)
                records = [record for record in self._records(run.model, names) if not record.state.terminal]
        raise RuntimeError(f"objects of run {run} change again and again; trying again later")

    def _pointers(self, model: str, prefix: str) -> tuple[Mapping[str, Any], ...]:
        return self._table.query(keys.partition(model), prefix)

    def _records(self, model: str, objects: tuple[ObjectVersion, ...]) -> list[ObjectRecord]:
        items = self._table.get_many(tuple(keys.object_version(model, version.id) for version in objects))
        return [parse(ObjectRecord, item) for item in items]

    def _run_record(self, run: RunId) -> RunRecord:
        item = self._table.get(keys.run(run))
        if item is None:
            raise LookupError(f"run {run} has claimed nothing")
        return parse(RunRecord, item)
