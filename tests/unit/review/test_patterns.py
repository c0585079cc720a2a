"""Patterns of IAM: coverage and overlap, held against trying every short text."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.review.patterns import covers, overlap

LETTERS = "abc"  # the patterns know two of them: `c` stands for every letter that they do not name
TEXTS = ["".join(letters) for length in range(6) for letters in itertools.product(LETTERS, repeat=length)]
PATTERNS = st.text(alphabet="ab*?", max_size=4)
STARS = st.text(alphabet="ab*", max_size=4)


def matching(pattern: str) -> set[str]:
    expression = re.compile("".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern))
    return {text for text in TEXTS if expression.fullmatch(text)}


@settings(max_examples=400)
@given(wide=PATTERNS, narrow=PATTERNS)
def test_a_pattern_that_covers_another_matches_all_its_texts(wide: str, narrow: str) -> None:
    assert not covers(wide, narrow) or matching(narrow) <= matching(wide)


@settings(max_examples=400)
@given(wide=STARS, narrow=STARS)
def test_with_stars_alone_a_pattern_covers_all_that_it_matches(wide: str, narrow: str) -> None:
    assert covers(wide, narrow) == (matching(narrow) <= matching(wide))


@settings(max_examples=400)
@given(one=PATTERNS, other=PATTERNS)
def test_patterns_overlap_exactly_when_some_text_matches_both(one: str, other: str) -> None:
    shortest = len(one.replace("*", "")) + len(other.replace("*", "")) <= 5
    if shortest:
        assert overlap(one, other) == bool(matching(one) & matching(other))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "arn:aws:s3:::bucket/key"),
        ("s3:**", "s3:*"),
        ("s3:*", "s3:**"),
        ("?*", "*?"),
        ("arn:${AWS::Partition}:sqs:${AWS::Region}:*:q", "arn:${AWS::Partition}:sqs:${AWS::Region}:1:q"),
        ("${Bucket.Arn}/*", "${Bucket.Arn}/runs/*"),
    ],
)
def test_synonyms_and_narrower_patterns_are_covered(wide: str, narrow: str) -> None:
    assert covers(wide, narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("arn:aws:*", "arn:aws:sqs:us-east-1:1:q"),  # a wildcard is not trusted beyond its own segment
        ("${Bucket.Arn}", "${Bucket.Arn}/*"),
        ("a${*}", "a*"),  # IAM's way to write the star itself
        ("s3:Get?", "s3:Get*"),
    ],
)
def test_what_might_be_wider_is_not_covered(wide: str, narrow: str) -> None:
    assert not covers(wide, narrow)
