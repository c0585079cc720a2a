"""The regular expressions of a contract: what is accepted here is accepted by the engine that matches it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.patterns import LONGEST, PatternError, check_pattern

SIGNS = "ab0 -^$.*+?{}[]()|\\,:=<>P1d&~é"


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": "1"}) as connection:
        yield connection


def refusal(pattern: str) -> PatternError | None:
    try:
        check_pattern(pattern)
    except PatternError as error:
        return error
    return None


def matches(pattern: str, text: str, engine: duckdb.DuckDBPyConnection) -> bool:
    return bool(engine.execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchall()[0][0])


pieces = st.sampled_from(
    [
        "a",
        "é",
        ".",
        r"\d",
        r"\pL",
        r"\.",
        r"\n",
        "[a-z]",
        "[^@]",
        r"[\w.-]",
        "[-a]",
        "[0-9a-f]",
        "^",
        "$",
        r"\b",
        "[a-\\d]",
    ]
)
repeats = st.sampled_from(["", "*", "+?", "?", "{2}", "{2,}", "{0,300}", "{1000}", "{3,1}", "**", "{2}{3}", "{,4}"])
patterns = st.recursive(
    st.builds(lambda piece, repeat: piece + repeat, pieces, repeats),
    lambda inner: (
        st.lists(inner, max_size=3).map("".join)
        | st.builds(
            lambda kind, body, times: f"{kind}{body}){times}", st.sampled_from(["(", "(?:", "(?i:"]), inner, repeats
        )
        | st.builds("{}|{}".format, inner, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(pattern=patterns | st.text(SIGNS, max_size=12) | st.text(max_size=20))
def test_any_text_is_a_pattern_that_can_be_matched_or_is_refused_at_its_place(
    pattern: str, engine: duckdb.DuckDBPyConnection
) -> None:
    refused = refusal(pattern)
    if refused is None:
        assert matches(pattern, "abc", engine) in {True, False}
    else:
        assert 0 <= refused.position <= len(pattern)


@given(text=st.text("ab@.-0 \n", max_size=6))
def test_a_pattern_means_in_the_engine_what_it_means_in_python(text: str, engine: duckdb.DuckDBPyConnection) -> None:
    for pattern in (r"[^@]+@[^@]+", r"(?:a|b)*0?", r"[a-b.-]{1,3}", r"\S+ ?"):
        assert matches(pattern, text, engine) == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    "pattern",
    [
        "[^@]+@[^@]+",
        "[A-Z]{2}[0-9]{3,10}",
        "(?i:yes|no)",
        r"\d{4}-\d",
        "",
        "(?P<y>[0-9]+)",
        r"[\[\]\\]",
        r"\pL+",
        ".{1,500}",
    ],
)
def test_what_people_write_is_accepted(pattern: str, engine: duckdb.DuckDBPyConnection) -> None:
    check_pattern(pattern)
    matches(pattern, "a", engine)


@pytest.mark.parametrize(
    ("pattern", "position", "words"),
    [
        ("a(?=b)", 1, "no look-around"),
        ("(?<!a)b", 0, "no look-around"),
        (r"(a)\1", 3, "nor back-references"),
        ("a**", 2, "repeats a repetition"),
        ("*a", 0, "nothing before it to repeat"),
        ("a)", 1, "closes nothing"),
        ("(a", 0, "has no end"),
        ("[a", 0, "this class cannot be read"),
        ("[[:alpha:]]", 0, "this class cannot be read"),
        ("[z-a]", 0, "z-a is no range of characters"),
        ("a{5,2}", 1, "ends below where it begins"),
        ("a{x}", 1, "a repetition looks like {2}"),
        ("(a{100}){100}", 0, "takes more than 1,000 steps"),
        (r"\pL{1000}", 0, "takes more than 1,000 steps"),
        ("a\tb", 1, "cannot be seen"),
        ("(" * 30 + "a" + ")" * 30, 21, "nested more than 20 deep"),
        ("a" * 600, LONGEST, "600 characters, more than 500"),
    ],
)
def test_what_the_engine_cannot_match_in_bounds_is_refused_at_its_place(
    pattern: str, position: int, words: str
) -> None:
    with pytest.raises(PatternError) as caught:
        check_pattern(pattern)
    assert words in str(caught.value)
    assert caught.value.position == position
