"""What a model's endpoint serves, who is changing it, and how every attempt to deploy ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from retide.domain.codec import parse, serialise
from retide.domain.ledger import Champion, EndpointRecord, Release, Withdrawal
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Delete, Fenced, Key, Operation, Put, Update, When

TRIES: Final = 10  # of a write that somebody else's withdrawal came before


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

    def promote(self, model: str, fence: int, release: Release, champion: Champion, endpoint: str) -> None:
        """The version serves: it is the champion now, and the endpoint is free again.

        Where it serves on another endpoint than before, that one is retired: it serves on until it is taken away.
        """
        stands = self.endpoint(model)
        served: dict[str, Any] = {"version": release.version, "config": release.config, "endpoint": endpoint}
        if stands.endpoint not in ("", endpoint):
            served |= {"retired": stands.endpoint, "retired_at": self._now()}
        elif stands.retired == endpoint:
            served |= {"retired": None, "retired_at": None}
        crown = Update(keys.head(model), {"champion": serialise(champion)})
        self._end_rollout(model, fence, served, release, crown)

    def give_up(self, model: str, fence: int, release: Release, *, withdraw: bool) -> None:
        """The version does not serve; with `withdraw` it never will. The endpoint is free again."""
        if not withdraw:
            self._end_rollout(model, fence, {}, release)
            return

        def write(seen: Mapping[str, Any]) -> None:
            if seen.get("token") != fence:
                raise _fenced(model, fence)
            values, notes = self._withdrawn(model, seen, (release.version,), release.reason)
            self._transact_end(model, {**_free(fence), **values}, _as_seen(seen, token=fence), release, *notes)

        self._until_written(model, write)

    def withdraw_versions(self, model: str, versions: Iterable[int], reason: str) -> None:
        """These versions never serve again, whoever holds the endpoint. Repeated, the first reason stays."""
        gone = tuple(versions)

        def write(seen: Mapping[str, Any]) -> None:
            values, notes = self._withdrawn(model, seen, gone, reason)
            if notes:
                self._table.transact(Update(keys.endpoint(model), values, _as_seen(seen)), *notes)

        self._until_written(model, write)

    def forget_retired(self, model: str, endpoint: str) -> None:
        """The endpoint that clients left is gone; what was retired since stays known."""
        gone: dict[str, Any] = {"retired": None, "retired_at": None}
        with suppress(ConditionFailed):
            self._table.transact(Update(keys.endpoint(model), gone, When(equals={"retired": endpoint})))

    def withdrawal(self, model: str, version: int) -> Withdrawal | None:
        item = self._table.get(keys.withdrawal(model, version))
        return None if item is None else parse(Withdrawal, item)

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
        forgotten = (
            keys.RUN,
            keys.RELEASE,
            keys.WITHDRAWAL,
            keys.APPROVAL,
            keys.OPEN_APPROVAL,
            keys.REQUEST,
            keys.WANTED,
        )
        for prefix in forgotten:
            for item in self._table.query(keys.partition(model), prefix):
                self._table.transact(Delete(Key(item["pk"], item["sk"])))
        self._table.transact(Delete(keys.endpoint(model)))
        if self.head(model).champion:
            self._table.transact(Update(keys.head(model), {"champion": None}))

    def _end_rollout(
        self, model: str, fence: int, values: Mapping[str, Any], release: Release, *more: Operation
    ) -> None:
        try:
            self._transact_end(model, {**values, **_free(fence)}, When(equals={"token": fence}), release, *more)
        except ConditionFailed:
            raise _fenced(model, fence) from None

    def _transact_end(
        self, model: str, values: Mapping[str, Any], when: When, release: Release, *more: Operation
    ) -> None:
        record = Put(keys.release(model, release.version, release.attempt), fields(release))
        self._table.transact(Update(keys.endpoint(model), values, when), record, *more)

    def _withdrawn(
        self, model: str, seen: Mapping[str, Any], versions: Iterable[int], reason: str
    ) -> tuple[dict[str, Any], tuple[Put, ...]]:
        """What the endpoint's item says once these versions are withdrawn, and why of those that are so only now."""
        known = tuple(seen.get("withdrawn") or ())
        fresh = sorted({*versions} - {*known})
        notes = (Withdrawal(version, reason, self._now()) for version in fresh)
        puts = tuple(Put(keys.withdrawal(model, note.version), fields(note)) for note in notes)
        return {"withdrawn": sorted({*known, *fresh})}, puts

    def _until_written(self, model: str, write: Callable[[Mapping[str, Any]], None]) -> None:
        """Withdrawals of a person and of a rollout may meet: whoever comes second looks again."""
        for _ in range(TRIES):
            with suppress(ConditionFailed):
                write(self._table.get(keys.endpoint(model)) or {})
                return
        raise RuntimeError(f"the withdrawals of {model} change all the time; trying again later")


def _free(fence: int) -> dict[str, Any]:
    return {"owner": None, "token": fence + 1}


def _as_seen(seen: Mapping[str, Any], **more: Any) -> When:
    return When(equals={"withdrawn": seen.get("withdrawn"), **more})


def _fenced(model: str, fence: int) -> Fenced:
    return Fenced(f"the endpoint of {model} has passed on: token {fence} is no longer valid")
