"""What the queue brings: events of S3 and SageMaker and our own messages, decoded strictly into typed values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from retide.domain import s3_events
from retide.domain.ab_test import MOST_PERCENT
from retide.domain.ledger import Cause
from retide.domain.s3_events import ObjectArrived, ObjectDeleted, ObjectHidden
from retide.domain.untrusted import UnknownMessage, mapping, shown, text

SCHEMA: Final = 1
COMMIT_LIMIT: Final = 64  # characters: a digest of SHA-256
KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class PackageApproved:
    """`at` is when it was approved: ISO 8601, in UTC and to the second, as EventBridge writes it."""

    group: str
    version: int
    arn: str
    at: str
    account: str


@dataclass(frozen=True, slots=True)
class RetrainAsked:
    """A wish for a retrain; the same `key` is the same wish, however often it is sent.

    `commit` is that of the code which asks, empty where none does.
    """

    model: str
    cause: Cause
    reason: str
    key: str
    commit: str = ""


@dataclass(frozen=True, slots=True)
class RolloutAsked:
    """A wish that the newest approved package of the model be served."""

    model: str
    key: str


@dataclass(frozen=True, slots=True)
class RollbackAsked:
    """A wish that version `to` serve again instead of `served`, the one that served when the person asked."""

    model: str
    served: int
    to: int
    reason: str
    key: str


@dataclass(frozen=True, slots=True)
class ObjectBackfilled:
    """An object that is there and that no event tells of; `at` is when S3 took it: ISO 8601 in UTC, to the microsecond.

    It is held back for the end of `backfill`, so that many of them are one run.
    """

    model: str
    key: str
    version: str
    at: str
    backfill: str


@dataclass(frozen=True, slots=True)
class BackfillEnded:
    """All objects of a backfill were sent."""

    model: str
    backfill: str


@dataclass(frozen=True, slots=True)
class AbTestAsked:
    """A wish that `challenger` answer beside `champion`: `percent` of the requests, or with 0 a copy of all, unheard.

    `key` is the test's name as well.
    """

    model: str
    champion: int
    challenger: int
    percent: int
    by: str
    reason: str
    key: str


@dataclass(frozen=True, slots=True)
class AbTestEnded:
    """A wish that the test called `test` end, and with `promote` that its challenger be approved."""

    model: str
    test: str
    promote: bool
    by: str
    reason: str
    key: str


type Own = RetrainAsked | RolloutAsked | RollbackAsked | AbTestAsked | AbTestEnded | ObjectBackfilled | BackfillEnded
type Message = ObjectArrived | ObjectDeleted | ObjectHidden | PackageApproved | Own


def decode(raw_message: object) -> Message:
    """Read one message; raises UnknownMessage."""
    message = mapping(raw_message, "the message")
    if "retide" in message:
        return _own(message)
    if "Records" in message:
        return s3_events.notified(message)
    source, kind = message.get("source"), message.get("detail-type")
    if (str(source), str(kind)) not in _EVENTS:
        raise UnknownMessage(f"no event of this kind is expected: source {shown(source)}, detail-type {shown(kind)}")
    return _EVENTS[str(source), str(kind)](message)


def retrain_message(model: str, cause: Cause, reason: str, key: str, commit: str = "") -> dict[str, Any]:
    message = {"retide": SCHEMA, "kind": "retrain", "model": model, "cause": cause.value, "reason": reason, "key": key}
    return {**message, "commit": commit} if commit else message


def rollout_message(model: str, key: str) -> dict[str, Any]:
    return {"retide": SCHEMA, "kind": "rollout", "model": model, "key": key}


def rollback_message(model: str, served: int, to: int, reason: str, key: str) -> dict[str, Any]:
    told = {"model": model, "from": served, "to": to, "reason": reason, "key": key}
    return {"retide": SCHEMA, "kind": "rollback", **told}


def ab_test_message(asked: AbTestAsked) -> dict[str, Any]:
    told = {"model": asked.model, "champion": asked.champion, "challenger": asked.challenger, "percent": asked.percent}
    why = {"by": asked.by, "reason": asked.reason, "key": asked.key}
    return {"retide": SCHEMA, "kind": "A/B test", **told, **why}


def ab_end_message(asked: AbTestEnded) -> dict[str, Any]:
    told = {"model": asked.model, "test": asked.test, "promote": asked.promote}
    why = {"by": asked.by, "reason": asked.reason, "key": asked.key}
    return {"retide": SCHEMA, "kind": "A/B test end", **told, **why}


def backfill_message(model: str, key: str, version: str, at: str, backfill: str) -> dict[str, Any]:
    told = {"model": model, "key": key, "version": version, "at": at, "backfill": backfill}
    return {"retide": SCHEMA, "kind": "backfill", **told}


def backfill_end_message(model: str, backfill: str) -> dict[str, Any]:
    return {"retide": SCHEMA, "kind": "backfill end", "model": model, "backfill": backfill}


def _package_changed(event: Mapping[str, Any]) -> PackageApproved:
    """Only an approval counts, and only an event that may be one: writing metadata repeats the status as well."""
    detail = mapping(event.get("detail"), "detail")
    changed = detail.get("UpdatedModelPackageFields")
    if detail.get("ModelApprovalStatus") != "Approved":
        raise UnknownMessage(f"the package is {shown(detail.get('ModelApprovalStatus'))}; only Approved is acted on")
    if isinstance(changed, list) and "ModelApprovalStatus" not in changed:
        raise UnknownMessage(f"the approval did not change, only {shown(changed)}")
    version = detail.get("ModelPackageVersion")
    if isinstance(version, bool) or not isinstance(version, int):
        raise UnknownMessage(f"detail.ModelPackageVersion must be a whole number, not {shown(version)}")
    return PackageApproved(
        group=text(detail, "ModelPackageGroupName", "detail"),
        version=version,
        arn=text(detail, "ModelPackageArn", "detail"),
        at=text(event, "time", ""),
        account=text(event, "account", ""),
    )


def _own(message: Mapping[str, Any]) -> Own:
    if message["retide"] != SCHEMA:
        raise UnknownMessage(f"schema {shown(message['retide'])} is not {SCHEMA}, the one that this deployment speaks")
    kind = message.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UnknownMessage(f"kind {shown(kind)} is none of {', '.join(_KINDS)}")
    return _KINDS[kind](message, text(message, "model", ""))


def _backfilled(message: Mapping[str, Any], model: str) -> ObjectBackfilled:
    key, version = text(message, "key", "", s3_events.KEY_LIMIT), text(message, "version", "")
    return ObjectBackfilled(model, key, version, _time(message), text(message, "backfill", ""))


def _backfill_ended(message: Mapping[str, Any], model: str) -> BackfillEnded:
    return BackfillEnded(model, text(message, "backfill", ""))


def _time(message: Mapping[str, Any]) -> str:
    """As the ledger writes times, so that they sort."""
    raw = text(message, "at", "")
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        raise UnknownMessage(f"at {shown(raw)} is no time such as 2026-01-31T12:00:00+00:00") from None
    if at.tzinfo is None:
        raise UnknownMessage(f"at {shown(raw)} lacks its time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _asked(message: Mapping[str, Any], model: str) -> RetrainAsked:
    key = _key(message)
    commit = text(message, "commit", "")[:COMMIT_LIMIT] if "commit" in message else ""
    return RetrainAsked(model, _cause(message.get("cause")), text(message, "reason", "")[:1000], key, commit)


def _rollout_asked(message: Mapping[str, Any], model: str) -> RolloutAsked:
    return RolloutAsked(model, _key(message))


def _rollback_asked(message: Mapping[str, Any], model: str) -> RollbackAsked:
    served, to = _version(message, "from"), _version(message, "to")
    if to >= served:
        raise UnknownMessage(f"to {to} must be a version before {served}, which is to go")
    return RollbackAsked(model, served, to, text(message, "reason", "")[:1000], _key(message))


def _ab_asked(message: Mapping[str, Any], model: str) -> AbTestAsked:
    percent = message.get("percent")
    if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= MOST_PERCENT:
        raise UnknownMessage(f"percent must be a whole number from 0 to {MOST_PERCENT}, not {shown(percent)}")
    champion, challenger = _version(message, "champion"), _version(message, "challenger")
    return AbTestAsked(model, champion, challenger, percent, *_said(message), _key(message))


def _ab_ended(message: Mapping[str, Any], model: str) -> AbTestEnded:
    promote = message.get("promote")
    if not isinstance(promote, bool):
        raise UnknownMessage(f"promote must be true or false, not {shown(promote)}")
    return AbTestEnded(model, text(message, "test", ""), promote, *_said(message), _key(message))


def _said(message: Mapping[str, Any]) -> tuple[str, str]:
    """By whom, and why."""
    return text(message, "by", "")[:200], text(message, "reason", "")[:1000]


def _version(message: Mapping[str, Any], name: str) -> int:
    version = message.get(name)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise UnknownMessage(f"{name} must be the number of a version, not {shown(version)}")
    return version


def _key(message: Mapping[str, Any]) -> str:
    key = text(message, "key", "")
    if not KEY.fullmatch(key):
        raise UnknownMessage(f"key {shown(key)} must be 1 to 200 printable ASCII characters without blanks")
    return key


def _cause(raw: object) -> Cause:
    causes = [cause.value for cause in Cause if cause is not Cause.DATA]
    if raw not in causes:
        raise UnknownMessage(f"cause {shown(raw)} is none of {', '.join(causes)}")
    return Cause(str(raw))


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any], str], Own]]] = {
    "retrain": _asked,
    "rollout": _rollout_asked,
    "rollback": _rollback_asked,
    "A/B test": _ab_asked,
    "A/B test end": _ab_ended,
    "backfill": _backfilled,
    "backfill end": _backfill_ended,
}
_EVENTS: Final[Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Message]]] = {
    ("aws.s3", "Object Created"): s3_events.created,
    ("aws.s3", "Object Deleted"): s3_events.deleted,
    ("aws.sagemaker", "SageMaker Model Package State Change"): _package_changed,
}
