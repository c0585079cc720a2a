"""The population stability index: its formula, its bins, and the noise that Yurdakul (2018) predicts."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain import psi
from retide.domain.profile import Categories, Numbers

EDGES = tuple(float(edge) for edge in range(0, 105, 5))


def numbers(values: list[float], edges: tuple[float, ...] = EDGES) -> Numbers:
    histogram = [0] * (len(edges) + 1)
    for value in values:
        histogram[sum(value > edge for edge in edges)] += 1
    mean = sum(values) / len(values)
    m2 = sum((value - mean) ** 2 for value in values)
    return Numbers(len(values), min(values), max(values), mean, m2, edges, tuple(histogram))


def test_the_index_is_the_sum_over_bins_of_the_change_times_its_logarithm() -> None:
    shift = psi.shift([("a", 500, 300), ("b", 500, 700)])
    p, q = 500.5 / 1001, 300.5 / 1001
    by_hand = (q - p) * math.log(q / p) + ((1 - q) - (1 - p)) * math.log((1 - q) / (1 - p))
    assert shift.index == pytest.approx(by_hand)
    assert shift.expected == pytest.approx(2 / 1001)


def test_the_same_counts_have_no_index_and_no_excess() -> None:
    shift = psi.shift([("a", 10, 10), ("b", 20, 20)])
    assert (shift.index, shift.excess, shift.exceeds(0.0)) == (0.0, 0.0, False)


def test_bins_hold_about_a_tenth_of_the_reference_and_what_it_never_saw_has_bins_of_its_own() -> None:
    reference = numbers([25 + value % 50 + 0.5 for value in range(1000)])
    shift = psi.of_numbers(reference, reference)
    assert shift is not None
    assert [found.name for found in shift.bins][:2] == ["25 to 30", "30 to 35"]
    assert len(shift.bins) == 10
    moved = psi.of_numbers(reference, numbers([90.0] * 1000))
    assert moved is not None
    assert {found.name for found in moved.moved} > {"above 75"} - {found.name for found in shift.bins}
    assert moved.index > 5


def test_values_of_one_bin_alone_that_move_out_of_it_are_seen() -> None:
    shift = psi.of_numbers(numbers([42.0] * 1000), numbers([63.0] * 1000))
    assert shift is not None
    assert [str(found) for found in shift.bins] == ["40 to 45: 100.0% → < 0.1%", "above 45: < 0.1% → 100.0%"]
    assert shift.exceeds(0.25)


def test_edges_that_only_one_side_knows_are_left_out() -> None:
    values = [float(value % 100) for value in range(1000)]
    wider = (*EDGES, 150.0, 200.0)
    shift = psi.of_numbers(numbers(values, wider), numbers(values))
    assert shift is not None
    assert shift.index == 0
    assert psi.of_numbers(numbers(values, (7.3,)), numbers(values)) is None


def test_categories_beyond_the_most_frequent_share_one_bin_and_new_ones_are_left_out() -> None:
    before = Categories({f"v{n:02d}": 100 - n for n in range(15)})
    shift = psi.of_categories(before, Categories({"v00": 100, "v13": 100, "v14": 100, "new": 900}))
    assert shift is not None
    assert len(shift.bins) == psi.BINS
    assert shift.bins[-1].name == "all other values"
    assert shift.bins[-1].now == pytest.approx(200.5 / (300 + 0.5 * psi.BINS))


def test_new_values_count_among_the_others_of_a_reference_that_let_values_go() -> None:
    before = Categories({"a": 100, "b": 100}, others=100)
    shift = psi.of_categories(before, Categories({"a": 100, "new": 300}))
    assert shift is not None
    assert shift.bins[-1].now == pytest.approx(300.5 / 401.5)


counts = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=2, max_size=12).filter(
    lambda found: all(sum(pair[side] for pair in found) for side in (0, 1))
)


@given(counts)
def test_the_index_is_never_negative_and_the_same_seen_from_the_other_side(found: list[tuple[int, int]]) -> None:
    one = psi.shift([(str(place), *pair) for place, pair in enumerate(found)])
    other = psi.shift([(str(place), new, old) for place, (old, new) in enumerate(found)])
    assert one.index >= 0
    assert one.index == pytest.approx(other.index)


@given(
    st.lists(st.floats(0.1, 99.9), min_size=1, max_size=300), st.lists(st.floats(-50, 150), min_size=1, max_size=300)
)
def test_every_row_of_both_sides_is_in_one_bin(before: list[float], now: list[float]) -> None:
    shift = psi.of_numbers(numbers(before), numbers(now))
    assert shift is not None
    assert sum(found.before for found in shift.bins) == pytest.approx(1)
    assert sum(found.now for found in shift.bins) == pytest.approx(1)


@pytest.mark.parametrize("rows", [500, 2000])
def test_without_drift_the_index_is_the_noise_that_is_stated(rows: int) -> None:
    seeded = random.Random(7)
    reference = numbers([min(99.0, max(1.0, seeded.gauss(50, 15))) for _ in range(4000)])
    shifts = []
    for _ in range(60):
        now = numbers([min(99.0, max(1.0, seeded.gauss(50, 15))) for _ in range(rows)])
        shift = psi.of_numbers(reference, now)
        assert shift is not None
        shifts.append(shift)
    mean = sum(shift.index for shift in shifts) / len(shifts)
    assert mean == pytest.approx(sum(shift.expected for shift in shifts) / len(shifts), rel=0.25)
    assert not any(shift.exceeds(0.0) for shift in shifts)


def test_a_shift_of_half_a_standard_deviation_is_found_in_five_hundred_rows() -> None:
    seeded = random.Random(7)
    reference = numbers([seeded.gauss(50, 10) for _ in range(4000)])
    shift = psi.of_numbers(reference, numbers([seeded.gauss(55, 10) for _ in range(500)]))
    assert shift is not None
    assert 0.15 < shift.excess < 0.4
    assert shift.exceeds(0.1)


def test_a_side_without_any_value_is_not_compared() -> None:
    assert psi.of_categories(Categories({"a": 5}), Categories({})) is None
    assert psi.of_categories(Categories({"a": 5}), Categories({"b": 5})) is None


def test_the_bins_that_moved_most_come_first() -> None:
    shift = psi.shift([("a", 100, 100), ("b", 100, 180), ("c", 100, 20)])
    assert [found.name for found in shift.moved] == ["c", "b", "a"]
    assert all(one.part >= other.part for one, other in pairwise(shift.moved))
