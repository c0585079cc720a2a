"""What a search tries follows from the space, the number of candidates and the seed, and from nothing else."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.contract_tuning import Range, Tuning
from retide.domain.tuning import LEAST_ROWS, Space, draw, rounds, size

bounds = st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)).map(sorted).filter(lambda pair: pair[0] < pair[1])
fractions = st.builds(lambda pair, log: Range(pair[0], pair[1], log=log), bounds, st.booleans())
whole = st.builds(
    lambda low, more, log: Range(float(low), float(low + more), log=log, integer=True),
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.booleans(),
)
values = st.lists(st.one_of(st.text(max_size=3), st.integers()), min_size=1, max_size=5, unique=True).map(tuple)
spaces = st.dictionaries(st.text(min_size=1, max_size=4), st.one_of(fractions, whole, values), min_size=1, max_size=4)
MIXED: Final[Space] = {"C": Range(1e-3, 1e3, log=True), "depth": Range(2, 8, integer=True), "kind": ("a", "b", None)}


@settings(max_examples=50, deadline=None)
@given(spaces, st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_every_candidate_lies_in_the_space_and_comes_once(space: Space, count: int, seed: int) -> None:
    drawn = draw(space, count, seed)
    assert drawn[0] == {}
    assert len({json.dumps(one, sort_keys=True) for one in drawn}) == len(drawn) <= count
    assert all(_within(one, space) for one in drawn[1:])


def _within(chosen: Mapping[str, Any], space: Space) -> bool:
    return chosen.keys() == space.keys() and all(_allowed(value, space[name]) for name, value in chosen.items())


def _allowed(value: Any, of: Range | tuple[Any, ...]) -> bool:
    if isinstance(of, Range):
        return of.minimum <= value <= of.maximum and isinstance(value, int if of.integer else float)
    return value in of


@settings(max_examples=50, deadline=None)
@given(spaces, st.integers(1, 20), st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_a_candidate_is_the_same_whatever_the_count_and_the_order_of_the_space(
    space: Space, count: int, more: int, seed: int
) -> None:
    if size(space) >= count + more:
        turned = dict(reversed(list(space.items())))
        assert draw(turned, count + more, seed)[:count] == draw(space, count, seed)


def test_what_is_drawn_is_pinned() -> None:
    """Another machine or version must not have another winner."""
    assert draw(MIXED, 3, 7) == (
        {},
        {"C": 0.0823619, "depth": 8, "kind": None},
        {"C": 74.2778, "depth": 3, "kind": None},
    )
    assert draw(MIXED, 3, 7) != draw(MIXED, 3, 8)


def test_a_small_space_is_tried_whole() -> None:
    space: Space = {"kind": ("a", "b"), "depth": Range(1, 2, integer=True)}
    assert draw(space, 5, 0) == (
        {},
        {"depth": 1, "kind": "a"},
        {"depth": 1, "kind": "b"},
        {"depth": 2, "kind": "a"},
        {"depth": 2, "kind": "b"},
    )
    assert draw({}, 5, 0) == ({},)


def test_orders_of_magnitude_are_drawn_evenly() -> None:
    drawn = [one["C"] for one in draw({"C": Range(1e-3, 1e3, log=True)}, 400, 1)[1:]]
    below = sum(value < 1 for value in drawn)
    assert 160 < below < 240


@given(st.integers(1, 500), st.integers(1, 10**7), st.integers(100, 10**6), st.integers(2, 10))
def test_rounds_go_from_all_candidates_to_all_rows(candidates: int, available: int, most: int, keep: int) -> None:
    plan = rounds(candidates, available, Tuning(rows=most, keep=keep))
    assert plan[0].candidates == candidates
    assert plan[-1].rows == min(available, most)
    for before, after in pairwise(plan):
        assert after.candidates == -(-before.candidates // keep)
        assert before.rows == after.rows // keep >= LEAST_ROWS
    assert plan[-1].candidates >= 1


def test_rounds_of_few_rows_are_one() -> None:
    assert [(step.candidates, step.rows) for step in rounds(20, 455, Tuning())] == [(20, 455)]
    assert [(step.candidates, step.rows) for step in rounds(27, 10**6, Tuning())] == [(27, 2222), (9, 6666), (3, 20000)]
