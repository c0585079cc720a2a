"""What a model's endpoint serves, who is changing it, and how every attempt to deploy ended."""

from __future__ import annotations

from typing import Any

from retide.domain.codec import parse, serialise
from retide.domain.ledger import Champion, EndpointRecord, Release
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Delete, Fenced, Key, Operation, Put, Update, When


class Rollouts(Base):
    def endpoint(self, model: str) -> EndpointRecord:
        item = self._table.get(keys.endpoint(model)) or {}
        return parse(EndpointRecord, {**item, "stored": bool(item)})

    def take_endpoint(self, model: str, seen: EndpointRecord, owner: str) -> int | None:
        """Make `owner` the only one to change the endpoint; the fencing token, or None if `seen` is outdated."""
        place = {"token": seen.token or None, "owner": seen.owner, "version": seen.version or None}
        values = {"token": seen.token + 1, "owner": owner}
        try:
            self._table.transact(Update(keys.endpoint(model), values, When(equals=place)))
        except ConditionFailed:
            return None
        return seen.token + 1

    def promote(self, model: str, fence: int, release: Release, champion: Champion) -> None:
        """The version serves: it is the champion now, and the endpoint is free again."""
        served = {"version": release.version, "config": release.config}
        crown = Update(keys.head(model), {"champion": serialise(champion)})
        self._end_rollout(model, fence, served, release, crown)

    def give_up(self, model: str, fence: int, release: Release, *, withdraw: bool) -> None:
        """The version does not serve; with `withdraw` it never will. The endpoint is free again."""
        withdrawn = self.endpoint(model).withdrawn
        gone = sorted({*withdrawn, release.version}) if withdraw else list(withdrawn)
        self._end_rollout(model, fence, {"withdrawn": gone}, release)

    def note_release(self, model: str, release: Release) -> None:
        """Record an attempt that ended before it took the endpoint; the first record of an attempt stays."""
        try:
            key = keys.release(model, release.version, release.attempt)
            self._table.transact(Put(key, fields(release), When(absent=True)))
        except ConditionFailed:
            return

    def release(self, model: str, version: int, attempt: int) -> Release | None:
        item = self._table.get(keys.release(model, version, attempt))
        return None if item is None else parse(Release, item)

    def releases(self, model: str) -> tuple[Release, ...]:
        """In the order of versions and attempts."""
        return tuple(parse(Release, item) for item in self._table.query(keys.partition(model), keys.RELEASE))

    def forget_results(self, model: str) -> None:
        """Forget what was made of the model's data, as its packages are gone, whose versions begin again at 1.

        The data stays, and so does the count of runs: names of executions and jobs are never used twice.
        """
        for prefix in (keys.RUN, keys.RELEASE, keys.REQUEST, keys.WANTED):
            for item in self._table.query(keys.partition(model), prefix):
                self._table.transact(Delete(Key(item["pk"], item["sk"])))
        self._table.transact(Delete(keys.endpoint(model)))
        if self.head(model).champion:
            self._table.transact(Update(keys.head(model), {"champion": None}))

    def _end_rollout(self, model: str, fence: int, values: dict[str, Any], release: Release, *more: Operation) -> None:
        freed = {**values, "owner": None, "token": fence + 1}
        record = Put(keys.release(model, release.version, release.attempt), fields(release))
        try:
            self._table.transact(Update(keys.endpoint(model), freed, When(equals={"token": fence})), record, *more)
        except ConditionFailed:
            raise Fenced(f"the endpoint of {model} has passed on: token {fence} is no longer valid") from None
