"""The order of arrivals: sequencers of one key compare as numbers, and nothing else ever moves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.order import in_order, sequence


@dataclass(frozen=True, slots=True)
class Version:
    key: str
    sequencer: str
    name: int = 0


VERSIONS = st.lists(
    st.builds(Version, st.sampled_from("ab"), st.sampled_from(["", "x", "1", "0F", "0f1", "10"]), st.integers()),
    max_size=8,
)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("617f08299329d189", "617f08299329d190"),
        ("0055AED6DCD90281E5", "617f08299329d189"),
        ("ff", "0100"),
        ("0a", "0B"),
    ],
)
def test_sequencers_compare_as_numbers_whatever_their_length_and_case(older: str, newer: str) -> None:
    first, second = sequence(older), sequence(newer)
    assert first is not None
    assert second is not None
    assert first < second


def test_a_version_that_overtook_its_elder_stands_behind_it_again() -> None:
    other = Version("other", "ff")
    new, old = Version("a", "0200"), Version("a", "1ff")
    assert in_order([new, other, old]) == (old, other, new)


@given(VERSIONS)
def test_ordering_keeps_every_item_and_moves_no_key_s_places(arrived: list[Version]) -> None:
    ordered = in_order(arrived)
    assert sorted(map(repr, ordered)) == sorted(map(repr, arrived))
    assert [item.key for item in ordered] == [item.key for item in arrived]
    assert in_order(ordered) == ordered


@given(VERSIONS)
def test_versions_of_a_key_stand_in_the_order_of_their_sequencers(arrived: list[Version]) -> None:
    for key in "ab":
        numbers = [sequence(item.sequencer) for item in in_order(arrived) if item.key == key]
        known = [number for number in numbers if number is not None]
        assert known == sorted(known)
