"""Queries: a key condition is read once; MiniStack reads its text anew for every item of the partition."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from ministack.services import dynamodb

from retide.local.interfaces import Json

type Evaluate = Callable[..., bool]
type Term = tuple[str, str, bool]
"""A path or #name, a :value, and whether the one is to begin with the other (else to equal it)."""

SLOT: Final = "KeyConditionExpression"
NAME: Final = r"(#\w+|[A-Za-z_]\w*)"
VALUE: Final = r"(:\w+)"
EQUALS: Final = re.compile(rf"{NAME} = {VALUE}")
BEGINS: Final = re.compile(rf"begins_with\({NAME}, {VALUE}\)")
ENCLOSED: Final = re.compile(r"\(([^()]+(?:\([^()]*\))?)\)")  # boto3's Key("a").eq(b) & Key("c").begins_with(d)


def install() -> None:
    dynamodb._evaluate_condition = reading_once(dynamodb._evaluate_condition)


def reading_once(evaluate: Evaluate) -> Evaluate:
    """Answer the usual conditions on texts as `evaluate` does, and leave every other one to it."""

    def evaluate_condition(
        expression: str, item: Json, values: Json, names: Json, slot: str = "ConditionExpression"
    ) -> bool:
        terms = _terms(expression) if slot == SLOT else ()
        found = [_texts(term, item, values, names) for term in terms]
        if not found or None in found:
            return evaluate(expression, item, values, names, slot=slot)
        return all(_holds(begins, *pair) for (_, _, begins), pair in zip(terms, found, strict=True) if pair)

    return evaluate_condition


@lru_cache(1024)
def _terms(expression: str) -> tuple[Term, ...]:
    """The terms of a condition of the usual form; none of another one."""
    enclosed = ENCLOSED.fullmatch(expression)
    terms: list[Term] = []
    for text in (enclosed[1] if enclosed else expression).split(" AND "):
        equals, begins = EQUALS.fullmatch(text), BEGINS.fullmatch(text)
        found = equals or begins
        if found is None or (not found[1].startswith("#") and _reserved(found[1])):
            return ()
        terms.append((found[1], found[2], begins is not None))
    return tuple(terms)


def _reserved(name: str) -> bool:
    return dynamodb._check_reserved_keyword_usage([("IDENT", name)]) is not None


def _texts(term: Term, item: Json, values: Json, names: Json) -> tuple[str, str] | None:
    """What the item says and what it is asked for, where both are texts."""
    attribute = names.get(term[0]) if term[0].startswith("#") else term[0]
    said, asked = _text(item.get(attribute or "")), _text(values.get(term[1]))
    return None if said is None or asked is None else (said, asked)


def _text(value: Mapping[str, object] | None) -> str | None:
    text = value.get("S") if value else None
    return text if isinstance(text, str) else None


def _holds(begins: bool, said: str, asked: str) -> bool:
    return said.startswith(asked) if begins else said == asked
