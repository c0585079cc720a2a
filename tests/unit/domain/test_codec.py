"""The payload codec: what is written is what is read, and what does not fit is named by its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.codec import CodecError, parse, serialise


class Colour(StrEnum):
    RED = "red"
    DEEP_BLUE = "deep blue"


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Outer:
    count: int
    on: bool
    colour: Colour
    inner: Inner
    at: datetime
    many: tuple[Inner, ...] = ()
    maybe: Inner | None = None
    note: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    loose: Mapping[str, Any] = field(default_factory=dict)


INNERS = st.builds(Inner, st.text(), st.floats(allow_nan=False))
OUTERS = st.builds(
    Outer,
    st.integers(),
    st.booleans(),
    st.sampled_from(Colour),
    INNERS,
    st.datetimes(timezones=st.just(UTC)),
    st.lists(INNERS).map(tuple),
    st.none() | INNERS,
    st.none() | st.text(),
    st.dictionaries(st.text(), st.text()),
    st.dictionaries(st.text(), st.integers() | st.lists(st.text())),
)


@given(OUTERS)
def test_what_is_serialised_to_json_is_read_back_the_same(value: Outer) -> None:
    assert parse(Outer, json.loads(json.dumps(serialise(value)))) == value


PLAIN: dict[str, Any] = {
    "count": 1,
    "on": True,
    "colour": "red",
    "inner": {"name": "a"},
    "at": "2026-01-31T12:00:00+00:00",
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": "1"}, "count: expected a whole number, not '1'"),
        ({"count": True}, "count: expected a whole number, not True"),
        ({"count": 1.5}, "count: expected a whole number, not 1.5"),
        ({"on": 1}, "on: expected true or false, not 1"),
        ({"colour": "green"}, "colour: expected one of red, deep blue, not 'green'"),
        ({"colour": ["red"]}, "colour: expected one of"),
        ({"inner": None}, "inner: expected an object with the fields of Inner, not None"),
        ({"inner": {}}, "inner.name: expected text, not nothing"),
        ({"inner": {"name": "a", "share": "x"}}, "inner.share: expected a number, not 'x'"),
        ({"many": {"name": "a"}}, "many: expected a list"),
        ({"many": [{"name": "a"}, {"name": 1}]}, "many[1].name: expected text, not 1"),
        ({"maybe": 3}, "maybe: expected an object"),
        ({"facts": {"a": 1}}, "facts.a: expected text, not 1"),
        ({"at": "yesterday"}, "at: expected a time"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CodecError) as error:
        parse(Outer, PLAIN | changes)
    assert words in str(error.value)


@pytest.mark.parametrize("name", list(PLAIN))
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(CodecError, match=f"{name}: .* not nothing"):
        parse(Outer, {key: value for key, value in PLAIN.items() if key != name})


def test_a_whole_number_is_a_number_and_what_nobody_asked_for_is_left_out() -> None:
    assert parse(Inner, {"name": "a", "share": 1, "entered": "x"}) == Inner("a", 1.0)


@pytest.mark.parametrize("raw", [None, [], "text", 3])
def test_only_an_object_can_be_a_payload(raw: object) -> None:
    with pytest.raises(CodecError, match="the payload: expected an object"):
        parse(Inner, raw)
