"""What S3 says of an object, in either of its two languages: EventBridge's (raw keys) and its own (URL-encoded)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from retide.domain.untrusted import UnknownMessage, mapping, optional_text, shown, text

KEY_LIMIT: Final = 1024  # bytes: S3 takes no longer key
LIFECYCLE: Final = "Lifecycle Expiration"


@dataclass(frozen=True, slots=True)
class ObjectArrived:
    """S3 says that an object was created: a hint only. `version` is None where the event lacks it.

    `account` is the bucket's owner, None where the event does not tell it.
    """

    bucket: str
    key: str
    version: str | None
    sequencer: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectDeleted:
    """One version of an object is gone for good; `expired` where a rule of the bucket's housekeeping deleted it."""

    bucket: str
    key: str
    version: str
    expired: bool
    account: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectHidden:
    """A delete marker was put over an object: every version of it is still there."""

    bucket: str
    key: str
    account: str | None = None


type ObjectEvent = ObjectArrived | ObjectDeleted | ObjectHidden


def created(event: Mapping[str, Any]) -> ObjectArrived:
    """EventBridge's "Object Created"."""
    detail, item = _detail(event)
    return ObjectArrived(
        bucket=_bucket(detail),
        key=text(item, "key", "detail.object", KEY_LIMIT),
        version=optional_text(item, "version-id", "detail.object"),
        sequencer=text(item, "sequencer", "detail.object"),
        account=text(event, "account", ""),
    )


def deleted(event: Mapping[str, Any]) -> ObjectDeleted | ObjectHidden:
    """EventBridge's "Object Deleted"."""
    detail, item = _detail(event)
    bucket, account = _bucket(detail), text(event, "account", "")
    key = text(item, "key", "detail.object", KEY_LIMIT)
    if detail.get("deletion-type") == "Delete Marker Created":
        return ObjectHidden(bucket, key, account)
    version = text(item, "version-id", "detail.object")
    return ObjectDeleted(bucket, key, version, detail.get("reason") == LIFECYCLE, account)


def single(raw_message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """One of S3's own notifications for each record that it holds; anything else is one message as it stands."""
    records = raw_message.get("Records")
    if not isinstance(records, list) or not records:
        yield raw_message
        return
    yield from ({**raw_message, "Records": [record]} for record in records)


def notified(notification: Mapping[str, Any]) -> ObjectEvent:
    """One of S3's own notifications, with one record."""
    records = notification.get("Records")
    if not isinstance(records, list) or len(records) != 1:
        raise UnknownMessage(f"Records must be a list of S3's records, not {shown(records)}")
    record = mapping(records[0], "Records[0]")
    name = text(record, "eventName", "Records[0]").removeprefix("s3:")
    family, _, way = name.partition(":")
    if record.get("eventSource") != "aws:s3" or family not in _FAMILIES:
        raise UnknownMessage(f"no event of this kind is expected: {shown(record.get('eventSource'))}, {shown(name)}")
    told = mapping(record.get("s3"), "Records[0].s3")
    bucket = text(mapping(told.get("bucket"), "Records[0].s3.bucket"), "name", "Records[0].s3.bucket")
    item = mapping(told.get("object"), "Records[0].s3.object")
    key = _decoded(item)
    version = optional_text(item, "versionId", "Records[0].s3.object")
    if family == "ObjectCreated":
        return ObjectArrived(bucket, key, version, text(item, "sequencer", "Records[0].s3.object"))
    if way == "DeleteMarkerCreated" or version is None:
        return ObjectHidden(bucket, key)
    return ObjectDeleted(bucket, key, version, family == "LifecycleExpiration")


_FAMILIES: Final = frozenset({"ObjectCreated", "ObjectRemoved", "LifecycleExpiration"})


def _decoded(item: Mapping[str, Any]) -> str:
    """The key as it was given to S3: a blank is sent as +, everything else beyond plain ASCII as %XX."""
    encoded = text(item, "key", "Records[0].s3.object", 3 * KEY_LIMIT)
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError:
        raise UnknownMessage(f"Records[0].s3.object.key is not URL-encoded UTF-8: {shown(encoded)}") from None
    return text({"key": key}, "key", "Records[0].s3.object", KEY_LIMIT)


def _detail(event: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    detail = mapping(event.get("detail"), "detail")
    return detail, mapping(detail.get("object"), "detail.object")


def _bucket(detail: Mapping[str, Any]) -> str:
    return text(mapping(detail.get("bucket"), "detail.bucket"), "name", "detail.bucket")
