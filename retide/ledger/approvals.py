"""Who decided about which version: each decision is made on the one that stood before, so that of two one wins."""

from __future__ import annotations

from dataclasses import replace

from retide.domain.codec import parse
from retide.domain.ledger import Approval, Standing
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Delete, Put, Update, When


class Approvals(Base):
    """What is open has a pointer beside its record: one consistent query of the few, not of all versions ever made."""

    def ask_approval(self, model: str, approval: Approval, fence: int) -> None:
        """From now on this version waits for somebody; one that did so before stays as it is."""
        asked = replace(approval, asked_at=self._now())
        self._begin(model, fence, asked, Put(keys.open_approval(model, asked.version), {"version": asked.version}))

    def note_approval(self, model: str, approval: Approval, fence: int) -> None:
        """Remember what was decided as the version was registered; the first record of a version stays."""
        now = self._now()
        self._begin(model, fence, replace(approval, asked_at=now, decided_at=now, open=False))

    def approval(self, model: str, version: int) -> Approval | None:
        item = self._table.get(keys.approval(model, version))
        return None if item is None else parse(Approval, item)

    def approvals(self, model: str) -> tuple[Approval, ...]:
        """In the order of versions."""
        return tuple(parse(Approval, item) for item in self._table.query(keys.partition(model), keys.APPROVAL))

    def open_approvals(self, model: str) -> tuple[Approval, ...]:
        found = self._table.query(keys.partition(model), keys.OPEN_APPROVAL)
        items = self._table.get_many(tuple(keys.approval(model, item["version"]) for item in found))
        return tuple(parse(Approval, item) for item in items if item is not None)

    def decide_approval(self, model: str, seen: Approval | None, decision: Approval) -> Approval | None:
        """The decision as it is kept, open until the registry knows it; None where `seen` is outdated.

        Without `seen`, there must be no record of the version.
        """
        before = seen.standing if seen else decision.before
        made = replace(decision, decided_at=self._now(), before=before, open=True)
        place = (
            When(equals={"standing": seen.standing.value, "decided_at": seen.decided_at}) if seen else When(absent=True)
        )
        key, pointer = keys.approval(model, made.version), keys.open_approval(model, made.version)
        try:
            self._table.transact(Put(key, fields(made), place), Put(pointer, {"version": made.version}))
        except ConditionFailed:
            return None
        return made

    def close_approval(self, model: str, approval: Approval) -> None:
        """All of this decision is done; nothing happens where another one was made since."""
        same = When(equals={"standing": approval.standing.value, "decided_at": approval.decided_at})
        key = keys.approval(model, approval.version)
        try:
            self._table.transact(
                Update(key, {"open": False}, same), Delete(keys.open_approval(model, approval.version))
            )
        except ConditionFailed:
            return

    def note_reminder(self, model: str, approval: Approval) -> None:
        """Somebody was reminded; nothing happens where it was decided meanwhile."""
        waits = When(equals={"standing": Standing.AWAITING.value})
        try:
            self._table.transact(Update(keys.approval(model, approval.version), {"reminded_at": self._now()}, waits))
        except ConditionFailed:
            return

    def _begin(self, model: str, fence: int, approval: Approval, *more: Put) -> None:
        try:
            key = keys.approval(model, approval.version)
            self._write_fenced(model, fence, Put(key, fields(approval), When(absent=True)), *more)
        except ConditionFailed:
            return
