"""The judgement of permissions held against an evaluator of its own: every request of a small world is tried."""

from __future__ import annotations

import itertools
import re
from typing import Final

from hypothesis import event, given, settings
from hypothesis import strategies as st

from infra.review.permissions import broadenings
from tests.unit.review.stages import Json, with_policy

ACTIONS: Final = ("s:GetA", "s:GetB", "s:PutA", "t:GetA")
PLACES: Final = ("one", "one/x", "two", "two/x")
VALUES: Final = ("a", "ab", "b", None)  # of the one key that conditions ask for; None: it is absent
ACTION_PATTERNS: Final = (*ACTIONS, "s:*", "s:Get*", "*", "?:GetA", "S:getA")
PLACE_PATTERNS: Final = (*PLACES, "*", "one*", "*/x", "two/?")
CONDITIONS: Final[tuple[Json, ...]] = (
    {},
    {"StringEquals": {"k": "a"}},
    {"StringEquals": {"k": ["a", "b"]}},
    {"StringLike": {"k": "a*"}},
    {"StringNotEquals": {"k": "a"}},
    {"StringNotLike": {"k": ["a*", "b"]}},
    {"StringNotLike": {"k": "b"}},
    {"StringNotLike": {"k": "ab"}},
    {"StringEqualsIfExists": {"k": "a"}},
)


@st.composite
def statements(draw: st.DrawFn) -> Json:
    action = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    place = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        action: draw(st.lists(st.sampled_from(ACTION_PATTERNS), min_size=1, max_size=2)),
        place: draw(st.lists(st.sampled_from(PLACE_PATTERNS), min_size=1, max_size=2)),
        "Condition": draw(st.sampled_from(CONDITIONS)),
    }


POLICIES = st.lists(statements(), max_size=3)


def matches(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern.lower())
    return re.fullmatch(expression, text.lower()) is not None


def names(one: Json, what: str, text: str) -> bool:
    if f"Not{what}" in one:
        return not any(matches(pattern, text) for pattern in one[f"Not{what}"])
    return any(matches(pattern, text) for pattern in one[what])


def holds(conditions: Json, value: str | None) -> bool:
    for operator, keys in conditions.items():
        listed = keys["k"] if isinstance(keys["k"], list) else [keys["k"]]
        negated, if_exists = "Not" in operator, operator.endswith("IfExists")
        if value is None:
            if not (negated or if_exists):
                return False
        elif any(matches(pattern, value) for pattern in listed) is negated:
            return False
    return True


def allowed(policy: list[Json]) -> set[tuple[str, str, str | None]]:
    """Every request that this policy lets through, as AWS decides: allowed by one statement, denied by none."""
    requests = list(itertools.product(ACTIONS, PLACES, VALUES))

    def spoken_of(effect: str) -> set[tuple[str, str, str | None]]:
        return {
            (action, place, value)
            for action, place, value in requests
            for one in policy
            if one["Effect"] == effect
            and names(one, "Action", action)
            and names(one, "Resource", place)
            and holds(one["Condition"], value)
        }

    return spoken_of("Allow") - spoken_of("Deny")


@settings(max_examples=600)
@given(base=POLICIES, head=POLICIES)
def test_a_request_that_is_newly_let_through_never_goes_untold(base: list[Json], head: list[Json]) -> None:
    found = broadenings(with_policy(*base), with_policy(*head))
    event("told" if found else "not told")
    assert found or allowed(head) <= allowed(base)
