"""What the queue brings: events of S3 and SageMaker and our own messages, decoded strictly into typed values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.ledger import Cause

SCHEMA: Final = 1
TEXT_LIMIT: Final = 2048  # bytes: no key, name or ARN is longer, and what is longer has no place in the ledger
SHOWN: Final = 100
COMMIT_LIMIT: Final = 64  # characters: a digest of SHA-256
KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


class UnknownMessage(ValueError):
    """A message that nobody here understands; the text says why, in words for the refusal's record."""


@dataclass(frozen=True, slots=True)
class ObjectArrived:
    """S3 says that an object was created: a hint only. `version` is None where the event lacks it."""

    bucket: str
    key: str
    version: str | None
    sequencer: str


@dataclass(frozen=True, slots=True)
class PackageApproved:
    """`at` is when it was approved: ISO 8601, in UTC and to the second, as EventBridge writes it."""

    group: str
    version: int
    arn: str
    at: str


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


type Message = ObjectArrived | PackageApproved | RetrainAsked | RolloutAsked


def decode(raw_message: object) -> Message:
    """Read one message; raises UnknownMessage."""
    message = _mapping(raw_message, "the message")
    if "retide" in message:
        return _own(message)
    source, kind = message.get("source"), message.get("detail-type")
    if (str(source), str(kind)) not in _EVENTS:
        raise UnknownMessage(f"no event of this kind is expected: source {_shown(source)}, detail-type {_shown(kind)}")
    return _EVENTS[str(source), str(kind)](message)


def retrain_message(model: str, cause: Cause, reason: str, key: str, commit: str = "") -> dict[str, Any]:
    message = {"retide": SCHEMA, "kind": "retrain", "model": model, "cause": cause.value, "reason": reason, "key": key}
    return {**message, "commit": commit} if commit else message


def rollout_message(model: str, key: str) -> dict[str, Any]:
    return {"retide": SCHEMA, "kind": "rollout", "model": model, "key": key}


def _object_created(event: Mapping[str, Any]) -> ObjectArrived:
    detail = _mapping(event.get("detail"), "detail")
    bucket, item = _mapping(detail.get("bucket"), "detail.bucket"), _mapping(detail.get("object"), "detail.object")
    version = item.get("version-id")
    return ObjectArrived(
        bucket=_text(bucket, "name", "detail.bucket"),
        key=_text(item, "key", "detail.object"),
        version=_text(item, "version-id", "detail.object") if version is not None else None,
        sequencer=_text(item, "sequencer", "detail.object"),
    )


def _package_changed(event: Mapping[str, Any]) -> PackageApproved:
    """Only an approval counts, and only an event that may be one: writing metadata repeats the status as well."""
    detail = _mapping(event.get("detail"), "detail")
    changed = detail.get("UpdatedModelPackageFields")
    if detail.get("ModelApprovalStatus") != "Approved":
        raise UnknownMessage(f"the package is {_shown(detail.get('ModelApprovalStatus'))}; only Approved is acted on")
    if isinstance(changed, list) and "ModelApprovalStatus" not in changed:
        raise UnknownMessage(f"the approval did not change, only {_shown(changed)}")
    version = detail.get("ModelPackageVersion")
    if isinstance(version, bool) or not isinstance(version, int):
        raise UnknownMessage(f"detail.ModelPackageVersion must be a whole number, not {_shown(version)}")
    return PackageApproved(
        group=_text(detail, "ModelPackageGroupName", "detail"),
        version=version,
        arn=_text(detail, "ModelPackageArn", "detail"),
        at=_text(event, "time", ""),
    )


def _own(message: Mapping[str, Any]) -> RetrainAsked | RolloutAsked:
    if message["retide"] != SCHEMA:
        raise UnknownMessage(f"schema {_shown(message['retide'])} is not {SCHEMA}, the one that this deployment speaks")
    kind = message.get("kind")
    if kind not in ("retrain", "rollout"):
        raise UnknownMessage(f"kind {_shown(kind)} is neither retrain nor rollout")
    model, key = _text(message, "model", ""), _text(message, "key", "")
    if not KEY.fullmatch(key):
        raise UnknownMessage(f"key {_shown(key)} must be 1 to 200 printable ASCII characters without blanks")
    if kind == "rollout":
        return RolloutAsked(model, key)
    commit = _text(message, "commit", "")[:COMMIT_LIMIT] if "commit" in message else ""
    return RetrainAsked(model, _cause(message.get("cause")), _text(message, "reason", "")[:1000], key, commit)


def _cause(raw: object) -> Cause:
    causes = [cause.value for cause in Cause if cause is not Cause.DATA]
    if raw not in causes:
        raise UnknownMessage(f"cause {_shown(raw)} is none of {', '.join(causes)}")
    return Cause(str(raw))


def _mapping(raw: object, where: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise UnknownMessage(f"{where} must be a JSON object, not {_shown(raw)}")
    return raw


def _text(raw: Mapping[str, Any], name: str, where: str) -> str:
    """Text that can be stored: as UTF-8 (JSON may hold half of a character), and not endless."""
    value, path = raw.get(name), f"{where}.{name}" if where else name
    if not isinstance(value, str) or not value:
        raise UnknownMessage(f"{path} must be text, not {_shown(value)}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise UnknownMessage(f"{path} is not valid Unicode: {_shown(value)}") from None
    if size > TEXT_LIMIT:
        raise UnknownMessage(f"{path} has {size} bytes, more than {TEXT_LIMIT}: {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """The beginning of anything, as it may stand in a sentence."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


_EVENTS: Final[Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Message]]] = {
    ("aws.s3", "Object Created"): _object_created,
    ("aws.sagemaker", "SageMaker Model Package State Change"): _package_changed,
}
