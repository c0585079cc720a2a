"""Decide what may be deployed and whether what was deployed answers as it should: pure rules."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from retide.domain.ledger import EndpointRecord, Release

TOLERANCE: Final = 1e-5
FAILURES: Final = 3  # failed attempts to serve one version, after which it needs somebody


class Outcome(StrEnum):
    """How preparing ends; `superseded` also says that another rollout is under way and will ask for this one again."""

    PROCEED = "proceed"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


class Verdict(StrEnum):
    """How a release ended, as the ledger keeps it.

    Two are no end: `waiting`, while another rollout held the endpoint, and `waiting for quota`.
    """

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    WAITING_FOR_QUOTA = "waiting for quota"

    @property
    def final(self) -> bool:
        return self not in {Verdict.WAITING, Verdict.WAITING_FOR_QUOTA}


class Health(StrEnum):
    HEALTHY = "healthy"
    ROLLED_BACK = "rolled back"
    WRONG_ANSWERS = "wrong answers"
    SLOW = "slow"
    UNSTARTED = "does not start"
    FAILED = "failed"

    @classmethod
    def bad(cls, outcome: str) -> bool:
        """Whether this is about the version, which is not to serve, and not about the way there."""
        return outcome in {cls.ROLLED_BACK, cls.WRONG_ANSWERS, cls.SLOW, cls.UNSTARTED, "not checked"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package that asks to be served; `judged_against` is the champion's version at its gate, 0 for none.

    `served` is whether it was ever promoted.
    """

    version: int
    approved: bool
    decision: str
    judged_against: int
    newest_approved: int
    served: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What stands: the version deployed last and the champion's (0 for none), and versions that may never serve.

    `served` is 0 as well where that version was withdrawn: then an older one may take its place.
    `in_service` is whether the endpoint really serves what was deployed last: somebody may have changed or deleted it,
    or asked for a challenger beside it.
    """

    served: int
    in_service: bool
    champion: int
    withdrawn: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    outcome: Outcome
    reason: str
    judge_again: bool = False


def judge(candidate: Candidate, situation: Situation) -> Judgement:
    """May this package be served now? The first reason against it decides."""
    if candidate.version in situation.withdrawn:
        return Judgement(Outcome.REFUSED, f"version {candidate.version} was withdrawn; it never serves again")
    if candidate.decision == "rejected":
        return Judgement(Outcome.REFUSED, f"version {candidate.version} failed its gate; no approval can change that")
    if not candidate.approved:
        return Judgement(Outcome.SUPERSEDED, f"version {candidate.version} is not approved any more")
    overtaken = _overtaken(candidate, situation)
    if overtaken:
        return Judgement(Outcome.SUPERSEDED, overtaken)
    if candidate.version == situation.served:
        return Judgement(
            Outcome.PROCEED, f"version {candidate.version} was deployed, but its endpoint serves it no more"
        )
    if candidate.served and situation.champion in situation.withdrawn:
        gone = f"version {situation.champion}, which took its place, was withdrawn"
        return Judgement(Outcome.PROCEED, f"version {candidate.version} served before; {gone}")
    if candidate.judged_against != situation.champion:
        return Judgement(Outcome.SUPERSEDED, _changed(candidate, situation), judge_again=True)
    return Judgement(Outcome.PROCEED, f"version {candidate.version} is the newest approved")


def _overtaken(candidate: Candidate, situation: Situation) -> str:
    """Which version makes this one unnecessary, in words; empty for none."""
    if candidate.version < situation.served:
        return f"version {situation.served}, which is newer, was deployed before it"
    if candidate.version == situation.served and situation.in_service:
        return f"version {situation.served} is served already"
    if candidate.newest_approved > candidate.version:
        return f"version {candidate.newest_approved} is approved and newer"
    return ""


def _changed(candidate: Candidate, situation: Situation) -> str:
    against = f"version {candidate.judged_against}" if candidate.judged_against else "no champion"
    return f"it was judged against {against}, but the champion is version {situation.champion} now"


def verdict(outcome: str, *, had_previous: bool) -> Verdict:
    """What the end of a rollout means for its version; a bad one with a version to go back to is a rollback."""
    if Health.bad(outcome):
        return Verdict.ROLLED_BACK if had_previous or outcome == Health.ROLLED_BACK else Verdict.FAILED
    return {"healthy": Verdict.PROMOTED, "refused": Verdict.REFUSED}.get(outcome, Verdict.FAILED)


def withdrawn(outcome: str) -> bool:
    """Whether the version showed that it must not serve; a mere failure on the way may be tried again."""
    return outcome in {"rolled back", "wrong answers", "slow", "does not start", "refused"}


def versions_before(stands: EndpointRecord, approved: Iterable[int], releases: Iterable[Release]) -> tuple[int, ...]:
    """The versions that one can go back to from the one that is deployed, newest first: they served, and still may."""
    served = {release.version for release in releases if release.verdict == Verdict.PROMOTED}
    fit = {version for version in approved if version < stands.version and version not in stands.withdrawn}
    return tuple(sorted(served & fit, reverse=True))


def failures(version: int, releases: Iterable[Release]) -> int:
    """Attempts that failed since the version was last served."""
    count = 0
    for release in releases:
        if release.version == version:
            count = 0 if release.verdict == Verdict.PROMOTED else count + (release.verdict == Verdict.FAILED)
    return count


def alone_first(stands: EndpointRecord, version: int, releases: Iterable[Release]) -> bool:
    """Whether the deployed version serves alone again before `version` comes: traffic moves in steps, watched by
    alarms, only between the same variants. Where that has failed too often, the other one comes all at once; and so
    it does where the deployed one was withdrawn.
    """
    beside = stands.ab_serving != "" and stands.standing not in (0, version)
    return beside and failures(stands.version, releases) < FAILURES


def left_over(stands: EndpointRecord, releases: Iterable[Release]) -> bool:
    """Whether the deployed version still has a challenger beside it that was taken back."""
    beside = stands.standing != 0 and stands.ab_serving != "" and not stands.as_asked
    return beside and failures(stands.version, releases) < FAILURES


def to_serve(approved: Iterable[int], stands: EndpointRecord, releases: Iterable[Release]) -> int:
    """The version whose rollout is due: the newest approved that may serve, 0 for none.

    The deployed one comes first where a challenger that was taken back is still beside it. `approved` is newest first.
    """
    newest = next((version for version in approved if version not in stands.withdrawn), 0)
    return stands.version if newest > stands.version and left_over(stands, releases) else newest


def judged_again_key(version: int) -> str:
    """The idempotency key of the request to judge a version's data and code again, against today's champion."""
    return f"champion-changed-v{version}"


def resource_name(prefix: str, version: int, content: Mapping[str, Any]) -> str:
    """The name of a model and its endpoint config: equal content is an equal name, so that adopting one is safe.

    `prefix` is the endpoint's name; at most 63 letters, digits and dashes come out.
    """
    mark = hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()[:6]
    return f"{resource_prefix(prefix)}{version}-{mark}"


def resource_prefix(prefix: str) -> str:
    """How the names of all models and endpoint configs of one endpoint begin."""
    return f"{prefix[:47]}-v"


def is_resource_of(endpoint: str, name: str) -> bool:
    """Whether a rollout of this endpoint gave that name; a model whose name merely starts alike is another one."""
    return re.fullmatch(rf"{re.escape(resource_prefix(endpoint))}\d+-[0-9a-f]{{6}}", name) is not None


def kept_configs(stands: EndpointRecord, releases: Iterable[Release], most: int) -> frozenset[str]:
    """The configs of the `most` versions that served last and may serve again: one goes back to them at once."""
    alone = (one for one in releases if one.verdict == Verdict.PROMOTED and not one.ab)
    served = sorted(alone, key=lambda one: one.at, reverse=True)
    may = (one.config for one in served if one.version not in stands.withdrawn)
    return frozenset(list(dict.fromkeys(may))[:most])


def differences(expected: Any, seen: Any, path: str = "prediction") -> Iterator[str]:
    """Where an answer departs from the recorded one; numbers may differ by TOLERANCE."""
    if isinstance(expected, Mapping) and isinstance(seen, Mapping):
        for name in expected.keys() | seen.keys():
            yield from differences(expected.get(name), seen.get(name), f"{path}.{name}")
    elif _number(expected) and _number(seen):
        if not math.isclose(expected, seen, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{path} is {seen!r} instead of {expected!r}"
    elif expected != seen:
        yield f"{path} is {seen!r} instead of {expected!r}"


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
