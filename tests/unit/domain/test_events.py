"""Messages of the queue: what is sent is what is decoded, and whatever else comes is refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.events import (
    PackageApproved,
    RetrainAsked,
    RolloutAsked,
    decode,
    retrain_message,
    rollout_message,
)
from retide.domain.ledger import Cause
from retide.domain.s3_events import ObjectArrived
from retide.domain.untrusted import UnknownMessage
from tests.unit.steps.world import ACCOUNT, approved_event, s3_event

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200)
ASKED = st.sampled_from([cause for cause in Cause if cause is not Cause.DATA])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["retide", "kind", "source", "detail"]), inner),
)


@given(cause=ASKED, key=KEYS, reason=st.text(min_size=1, max_size=1000))
def test_a_wish_that_is_sent_is_the_wish_that_arrives(cause: Cause, key: str, reason: str) -> None:
    message = json.loads(json.dumps(retrain_message("m", cause, reason, key)))
    assert decode(message) == RetrainAsked("m", cause, reason, key)


@given(KEYS)
def test_a_rollout_that_is_asked_for_is_decoded(key: str) -> None:
    assert decode(rollout_message("m", key)) == RolloutAsked("m", key)


@given(st.text(min_size=1), st.none() | st.text(min_size=1))
def test_keys_of_objects_come_as_they_are(key: str, version: str | None) -> None:
    assert decode(s3_event(key, version)) == ObjectArrived("bucket", key, version, "0001", ACCOUNT)


def test_an_approval_is_decoded() -> None:
    event = approved_event(3)
    assert decode(event) == PackageApproved(
        "retide-dev-m", 3, event["detail"]["ModelPackageArn"], event["time"], ACCOUNT
    )


@given(JSON)
def test_anything_else_is_refused_and_never_breaks(raw: object) -> None:
    with pytest.raises(UnknownMessage):
        decode(raw)
