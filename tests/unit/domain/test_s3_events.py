"""S3's two languages: raw keys through EventBridge, URL-encoded ones in its own notifications; deletions in both."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.events import decode
from retide.domain.s3_events import ObjectArrived, ObjectDeleted, ObjectHidden, single
from retide.domain.untrusted import UnknownMessage
from tests.unit.steps.world import ACCOUNT, deleted_event, s3_event


def notification(key: str, name: str = "ObjectCreated:Put", **item: Any) -> dict[str, Any]:
    told = {"key": key, "size": 5, "eTag": "e", "versionId": "v1", "sequencer": "0A"} | item
    s3 = {"bucket": {"name": "bucket", "arn": "arn:aws:s3:::bucket"}, "object": told}
    return {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": s3}]}


@given(st.text(min_size=1, max_size=200).filter(lambda key: "\0" not in key))
def test_any_key_comes_through_a_notification_as_it_was_given_to_s3(key: str) -> None:
    assert decode(notification(quote_plus(key, safe="/"))) == ObjectArrived("bucket", key, "v1", "0A")


@pytest.mark.parametrize(
    ("key", "raw", "encoded"),
    [("a+b", "a b", "a b"), ("a%2Bb", "a+b", "a+b"), ("a%252Bb", "a%2Bb", "a%2Bb"), ("%C3%BC", "ü", "ü")],
)
def test_only_the_keys_of_notifications_are_decoded(key: str, raw: str, encoded: str) -> None:
    told = decode(notification(key))
    assert isinstance(told, ObjectArrived)
    assert told.key == raw == encoded
    through_the_bus = decode(s3_event(key, "v1"))
    assert isinstance(through_the_bus, ObjectArrived)
    assert through_the_bus.key == key


@pytest.mark.parametrize("name", ["ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Copy"])
def test_however_an_object_was_made_it_arrived(name: str) -> None:
    assert decode(notification("k", name)) == ObjectArrived("bucket", "k", "v1", "0A")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (notification("k", "ObjectRemoved:Delete"), ObjectDeleted("bucket", "k", "v1", expired=False)),
        (notification("k", "ObjectRemoved:DeleteMarkerCreated"), ObjectHidden("bucket", "k")),
        (notification("k", "LifecycleExpiration:Delete"), ObjectDeleted("bucket", "k", "v1", expired=True)),
        (notification("k", "LifecycleExpiration:DeleteMarkerCreated"), ObjectHidden("bucket", "k")),
        (deleted_event("k", "v1"), ObjectDeleted("bucket", "k", "v1", False, ACCOUNT)),
        (deleted_event("k", "v1", reason="Lifecycle Expiration"), ObjectDeleted("bucket", "k", "v1", True, ACCOUNT)),
        (deleted_event("k", "m", **{"deletion-type": "Delete Marker Created"}), ObjectHidden("bucket", "k", ACCOUNT)),
    ],
)
def test_a_version_that_is_gone_is_told_from_one_that_is_hidden(event: Any, expected: object) -> None:
    assert decode(event) == expected


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (notification("k", "ObjectRestore:Post"), "no event of this kind"),
        ({"Records": [{"eventSource": "aws:sns", "eventName": "ObjectCreated:Put"}]}, "no event of this kind"),
        ({"Records": []}, "Records must be a list"),
        ({"Records": "all"}, "Records must be a list"),
        ({"Records": [7]}, r"Records\[0\] must be a JSON object"),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent"}, "no event of this kind"),
        (notification("%FF"), "not URL-encoded UTF-8"),
        (notification("k" * 1025), "1025 bytes, more than 1024"),
        (notification("k", sequencer=None), "sequencer must be text"),
        (s3_event("k" * 1025, "v1"), "1025 bytes, more than 1024"),
        (s3_event("k", "v1") | {"account": None}, "account must be text"),
    ],
)
def test_what_is_no_such_event_is_refused_in_words(event: Any, reason: str) -> None:
    with pytest.raises(UnknownMessage, match=reason):
        decode(event)


def test_a_notification_of_several_objects_is_one_message_for_each() -> None:
    both = {"Records": [*notification("a")["Records"], *notification("b")["Records"]]}
    assert [decode(one) for one in single(both)] == [decode(notification(key)) for key in "ab"]
