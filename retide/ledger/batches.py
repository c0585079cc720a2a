"""Batches: files that wait for their folder's marker, or for the files that its manifest lists."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.codec import parse
from retide.domain.intake import Batch
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import ObjectRecord, ObjectState
from retide.domain.order import sequence
from retide.ledger import keys
from retide.ledger.base import Base
from retide.ports import Check, ConditionFailed, Delete, Operation, Put, Update, When

SHOWN: Final = 20  # missing files of a batch that are noted and named
TRIES: Final = 5
TOGETHER: Final = 30  # files let go by one transaction: at three operations each, within the limit of 100


class Batches(Base):
    def complete_batch(
        self,
        model: str,
        batch: str,
        marker: str,
        *,
        digests: Mapping[str, str] | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> int:
        """The batch is whole: let go what was held back for it; returns how many objects that were.

        `refused` are ids of versions that do not belong to it, with the reason; `digests` what others must have.
        """
        try:
            values = {"name": batch, "marker": marker, "at": self._now()}
            self._table.transact(Put(keys.batch(model, batch), values, When(absent=True)))
        except ConditionFailed:
            pass  # a marker twice: still let go what an interrupted call left behind
        free: list[_Held] = []
        for item in self._table.query(keys.partition(model), keys.held_prefix(batch)):
            version = ObjectVersion(item["key"], item["version"])
            if why := (refused or {}).get(version.id):
                self._refuse(model, batch, version, why)
            else:
                free.append(_Held(version, item["arrived_at"], (digests or {}).get(version.id)))
        count = sum(self._let_go(model, batch, free[at : at + TOGETHER]) for at in range(0, len(free), TOGETHER))
        self._table.transact(Delete(keys.expected(model, batch)), Delete(keys.overdue(model, batch)))
        return count

    def expect(self, model: str, batch: str, manifest: ObjectVersion, sequencer: str) -> bool:
        """The batch's manifest came: it is complete when the files that this version lists are there.

        False where the batch is complete already, or a newer version of the manifest came before.
        """
        seen = self._table.get(keys.expected(model, batch)) or {}
        newer, older = sequence(seen.get("sequencer", "")), sequence(sequencer)
        if newer is not None and older is not None and newer > older:
            return False
        values = {"name": batch, "manifest": manifest.key, "version": manifest.version, "sequencer": sequencer}
        open_ = Check(keys.batch(model, batch), When(absent=True))
        try:
            self._table.transact(Put(keys.expected(model, batch), {**values, "since": self._now()}), open_)
        except ConditionFailed:
            return False
        return True

    def expected(self, model: str, batch: str) -> ObjectVersion | None:
        """The manifest that the batch waits by, if one came."""
        item = self._table.get(keys.expected(model, batch))
        return None if item is None else ObjectVersion(item["manifest"], item["version"])

    def brought(self, model: str, batch: str, names: AbstractSet[str]) -> ObjectVersion | None:
        """The manifest of a batch that may be whole, now that files of these names came; None where it cannot be.

        It cannot while another file is missing of those that were noted, so that few arrivals look at everything.
        """
        for _ in range(TRIES):
            item = self._table.get(keys.expected(model, batch))
            if item is None:
                return None
            noted = item.get("missing", [])
            left = [name for name in noted if name not in names]
            if left != noted and not self._note_brought(model, batch, item, left):
                continue
            return None if left else ObjectVersion(item["manifest"], item["version"])
        return self.expected(model, batch)

    def _note_brought(self, model: str, batch: str, seen: Mapping[str, Any], left: list[str]) -> bool:
        """False where somebody else noted something since."""
        same = When(equals={name: seen[name] for name in ("missing", "version")})
        try:
            self._table.transact(Update(keys.expected(model, batch), {"missing": left}, same))
        except ConditionFailed:
            return False
        return True

    def note_missing(self, model: str, batch: str, manifest: ObjectVersion, missing: tuple[str, ...]) -> frozenset[str]:
        """Note at most SHOWN of the files that this manifest still waits for; returns which.

        Chosen by their hash: in whatever order files come, the last of them comes late. None are noted, and none
        returned, where the batch was completed meanwhile, or has another manifest.
        """
        noted = sorted(sorted(missing, key=lambda name: hashlib.sha256(name.encode()).digest())[:SHOWN])
        values = {"missing": noted, "more": len(missing) > SHOWN}
        now = When(equals={"manifest": manifest.key, "version": manifest.version})
        try:
            self._table.transact(Update(keys.expected(model, batch), values, now))
        except ConditionFailed:
            return frozenset()
        return frozenset(noted)

    def held_in(self, model: str, batch: str) -> tuple[ObjectRecord, ...]:
        """What is held back for one batch, in the order of ids."""
        items = self._table.query(keys.partition(model), keys.held_prefix(batch))
        names = tuple(keys.object_version(model, ObjectVersion(item["key"], item["version"]).id) for item in items)
        return tuple(parse(ObjectRecord, item) for item in self._table.get_many(names))

    def held(self, model: str) -> tuple[ObjectVersion, ...]:
        """Objects of batches that are not whole yet."""
        items = self._table.query(keys.partition(model), keys.HELD)
        return tuple(ObjectVersion(item["key"], item["version"]) for item in items)

    def open_batches(self, model: str) -> tuple[Batch, ...]:
        """Batches that wait for a marker or for files, by name."""
        found: dict[str, dict[str, Any]] = {}
        for item in self._table.query(keys.partition(model), keys.HELD):
            seen = found.setdefault(item["batch"], {"name": item["batch"], "since": item["arrived_at"], "held": 0})
            seen |= {"held": seen["held"] + 1, "since": min(seen["since"], item["arrived_at"])}
        for item in self._table.query(keys.partition(model), keys.EXPECTED):
            seen = found.setdefault(item["name"], {"name": item["name"], "since": item["since"]})
            seen |= {name: item[name] for name in ("manifest", "missing", "more") if name in item}
        for item in self._table.query(keys.partition(model), keys.OVERDUE):
            found.get(item["name"], {})["reported_at"] = item["at"]
        return tuple(parse(Batch, found[name]) for name in sorted(found))

    def report_batch(self, model: str, batch: str) -> bool:
        """Remember that somebody is told that the batch takes too long; False where that was done before."""
        try:
            values = {"name": batch, "at": self._now()}
            self._table.transact(Put(keys.overdue(model, batch), values, When(absent=True)))
        except ConditionFailed:
            return False
        return True

    def _let_go(self, model: str, batch: str, free: list[_Held]) -> int:
        """Many at once; one by one where one of them was let go by another call, or deleted, meanwhile."""
        operations = [operation for held in free for operation in _freeing(model, batch, held)]
        try:
            self._table.transact(*operations)
        except ConditionFailed:
            return sum(self._let_go(model, batch, [held]) for held in free) if len(free) > 1 else 0
        return len(free)

    def _refuse(self, model: str, batch: str, version: ObjectVersion, why: str) -> None:
        end = {"state": ObjectState.REFUSED.value, "reason": why, "ended_at": self._now()}
        try:
            self._table.transact(*_released(model, batch, version, end))
        except ConditionFailed:
            return  # it was refused before


@dataclass(frozen=True, slots=True)
class _Held:
    """A version that a whole batch lets go; `sha256` is what its manifest says of it."""

    version: ObjectVersion
    arrived_at: str
    sha256: str | None


def _freeing(model: str, batch: str, held: _Held) -> tuple[Operation, ...]:
    version = held.version
    pointer = {"key": version.key, "version": version.version}
    waits = Put(keys.pending(model, held.arrived_at, version.id), pointer)
    return (*_released(model, batch, version, {"batch": batch, "sha256": held.sha256}), waits)


def _released(model: str, batch: str, version: ObjectVersion, values: Mapping[str, Any]) -> tuple[Operation, ...]:
    held = Delete(keys.held(model, batch, version.id), When(equals={"key": version.key}))
    return held, Update(keys.object_version(model, version.id), values)
