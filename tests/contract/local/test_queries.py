"""Conditions of queries: what is read once says what MiniStack says that reads the text for every item."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb

from retide.local.mends.queries import SLOT, reading_once

ITSELF: Final = dynamodb._evaluate_condition
USUAL: Final = (
    "pk = :p",
    "#a = :p",
    "pk = :p AND sk = :s",
    "pk = :p AND begins_with(sk, :s)",
    "(#a = :p AND begins_with(#b, :s))",
)
OTHERS: Final = ("pk = :p AND sk > :s", "pk = :p AND sk BETWEEN :p AND :s", "pk=:p", "pk = :p OR sk = :s")
NAMES: Final = {"#a": "pk", "#b": "sk"}
texts = st.text("ab#", max_size=3)
attributes = st.one_of(st.none(), texts.map(lambda text: {"S": text}), st.just({"N": "1"}))


def refused(*_: object, **__: object) -> bool:
    raise AssertionError("read anew")


def answer(evaluate: Any, *asked: Any) -> object:
    """The answer, or the words of the refusal."""
    try:
        return evaluate(*asked, slot=SLOT)
    except ValueError as error:
        return str(error)


@given(st.sampled_from(USUAL + OTHERS), attributes, attributes, attributes, attributes)
def test_the_answer_is_that_of_reading_anew(condition: str, pk: Any, sk: Any, p: Any, s: Any) -> None:
    item = {name: value for name, value in (("pk", pk), ("sk", sk)) if value}
    values = {name: value for name, value in ((":p", p), (":s", s)) if value}

    asked = (condition, item, values, NAMES)

    assert answer(reading_once(ITSELF), *asked) == answer(ITSELF, *asked)


@pytest.mark.parametrize("condition", USUAL)
def test_the_usual_conditions_are_not_read_for_every_item(condition: str) -> None:
    item = {"pk": {"S": "model#ash"}, "sk": {"S": "run#1"}}
    values = {":p": {"S": "model#ash"}, ":s": {"S": "run#1"}}

    assert reading_once(refused)(condition, item, values, NAMES, slot=SLOT)
    assert not reading_once(refused)(condition, item, {**values, ":p": {"S": "model#elm"}}, NAMES, slot=SLOT)


def test_a_reserved_word_is_left_to_who_refuses_it() -> None:
    asked: tuple[Any, ...] = ("status = :p", {"status": {"S": "a"}}, {":p": {"S": "a"}}, {})

    assert "reserved keyword" in str(answer(reading_once(ITSELF), *asked))
