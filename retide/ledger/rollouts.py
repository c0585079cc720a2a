"""What a model's endpoint serves, who is changing it, and how every attempt to deploy ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from retide.domain.codec import parse, serialise
from retide.domain.ledger import AbEnding, Champion, EndpointRecord, Release, Withdrawal
from retide.ledger import keys
from retide.ledger.ab_tests import AbTests
from retide.ledger.base import fields
from retide.ports import ConditionFailed, Delete, Fenced, Key, Operation, Put, Update, When

TRIES: Final = 10  # of a write that somebody else's word, a withdrawal say, came before


class Rollouts(AbTests):
    def endpoint(self, model: str) -> EndpointRecord:
        item = self._table.get(keys.endpoint(model)) or {}
        return parse(EndpointRecord, {**item, "stored": bool(item)})

    def check_endpoint(self, model: str, fence: int) -> EndpointRecord:
        """The endpoint as it stands, for whoever holds it; raises Fenced where that is somebody else."""
        stands = self.endpoint(model)
        if stands.token != fence:
            raise _fenced(model, fence)
        return stands

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

        Where it serves on another endpoint than before, that one is retired: it serves on until it is taken away. An
        A/B test beside another version is over.
        """

        def write(seen: Mapping[str, Any]) -> None:
            if seen.get("token") != fence:
                raise _fenced(model, fence)
            stands = parse(EndpointRecord, seen)
            values, notes = self._tested(model, release, endpoint, stands)
            served = {"version": release.version, "config": release.config, "endpoint": endpoint, **values}
            crown = Update(keys.head(model), {"champion": serialise(champion)})
            place = When(equals={"token": fence, "ab_test": seen.get("ab_test")})
            served |= {**_retired(stands, endpoint, self._now()), **_free(fence)}
            self._transact_end(model, served, place, release, crown, *notes)

        self._until_written(model, write)

    def give_up(self, model: str, fence: int, release: Release, *, withdraw: bool, ends_test: bool = False) -> None:
        """The version does not serve; with `withdraw` it never will. The endpoint is free again.

        With `ends_test`, an A/B test that this attempt was to bring about is over.
        """

        def write(seen: Mapping[str, Any]) -> None:
            if seen.get("token") != fence:
                raise _fenced(model, fence)
            gone = (release.version,) if withdraw else ()
            values, notes = self._withdrawn(model, seen, gone, release.reason) if gone else ({}, ())
            failed: tuple[Operation, ...] = ()
            if ends_test and release.ab and seen.get("ab_test") == release.ab:
                values, failed = {**values, "ab_test": None}, self._ab_failed(model, release)
            place = _as_seen(seen, token=fence, ab_test=seen.get("ab_test"))
            self._transact_end(model, {**_free(fence), **values}, place, release, *notes, *failed)

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
            keys.AB_TEST,
        )
        for prefix in forgotten:
            for item in self._table.query(keys.partition(model), prefix):
                self._table.transact(Delete(Key(item["pk"], item["sk"])))
        self._table.transact(Delete(keys.endpoint(model)))
        if self.head(model).champion:
            self._table.transact(Update(keys.head(model), {"champion": None}))

    def _tested(
        self, model: str, release: Release, endpoint: str, stands: EndpointRecord
    ) -> tuple[dict[str, Any], tuple[Operation, ...]]:
        """What a promotion means for A/B tests: fields of the endpoint's item, and what is written beside it."""
        serving: dict[str, Any] = {"ab_serving": release.ab or None}
        if stands.ab_test and release.version != stands.version:
            test = self.ab_test(model, stands.ab_test)
            won = test is not None and test.challenger == release.version
            outcome = AbEnding.PROMOTED if won else AbEnding.OVERTAKEN
            why = f"version {release.version} was rolled out"
            return {**serving, "ab_test": None}, (self._ab_ended(model, stands.ab_test, outcome, why),)
        return serving, (self._ab_began(model, release.ab, endpoint),) if release.ab else ()

    def _ab_failed(self, model: str, release: Release) -> tuple[Operation, ...]:
        return (self._ab_ended(model, release.ab, AbEnding.FAILED, release.reason),)

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
        """What a person says and what a rollout finds may meet: whoever comes second looks again."""
        for _ in range(TRIES):
            with suppress(ConditionFailed):
                write(self._table.get(keys.endpoint(model)) or {})
                return
        raise RuntimeError(f"what is said about the endpoint of {model} changes all the time; trying again later")


def _free(fence: int) -> dict[str, Any]:
    return {"owner": None, "token": fence + 1}


def _retired(stands: EndpointRecord, endpoint: str, now: str) -> dict[str, Any]:
    """The endpoint that clients leave for another one, or come back to."""
    if stands.endpoint not in ("", endpoint):
        return {"retired": stands.endpoint, "retired_at": now}
    return {"retired": None, "retired_at": None} if stands.retired == endpoint else {}


def _as_seen(seen: Mapping[str, Any], **more: Any) -> When:
    return When(equals={"withdrawn": seen.get("withdrawn"), **more})


def _fenced(model: str, fence: int) -> Fenced:
    return Fenced(f"the endpoint of {model} has passed on: token {fence} is no longer valid")
