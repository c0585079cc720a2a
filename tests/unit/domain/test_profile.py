"""Profiles merge: in any order and grouping, to what one look at everything gives."""

import json
import math
from bisect import bisect_left
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.contract import Column, ColumnType
from retide.domain.profile import KEPT, Categories, ColumnProfile, Numbers, Profile, edges, keep

COLUMN = Column("x", ColumnType.FLOAT, minimum=-100, maximum=100)
values = st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=30)


def numbers(seen: list[float]) -> Numbers:
    """Straight from the definitions."""
    mean = math.fsum(seen) / len(seen)
    bounds = edges(COLUMN)
    below = [sum(value <= bound for value in seen) for bound in (*bounds, math.inf)]
    histogram = tuple(b - a for a, b in zip([0, *below], below, strict=False))
    m2 = math.fsum((value - mean) ** 2 for value in seen)
    return Numbers(len(seen), min(seen), max(seen), mean, m2, bounds, histogram)


def same(one: Numbers, other: Numbers) -> bool:
    exact = [(n.count, n.minimum, n.maximum, n.edges, n.histogram) for n in (one, other)]
    assert one.mean is not None is not other.mean
    assert one.m2 is not None is not other.m2
    close = math.isclose(one.mean, other.mean, rel_tol=1e-9, abs_tol=1e-9)
    return exact[0] == exact[1] and close and math.isclose(one.m2, other.m2, rel_tol=1e-9, abs_tol=1e-6)


@given(st.lists(values, min_size=1, max_size=5), st.randoms())
def test_numbers_merge_in_any_order_to_those_of_the_whole(parts: list[list[float]], order: object) -> None:
    shuffled = sorted(parts, key=lambda part: hash((str(order), str(part))))
    merged = reduce(Numbers.merge, [numbers(part) for part in shuffled])
    assert same(merged, numbers([value for part in parts for value in part]))


@given(values, values, values)
def test_merging_numbers_is_associative(one: list[float], two: list[float], three: list[float]) -> None:
    a, b, c = numbers(one), numbers(two), numbers(three)
    assert same(a.merge(b).merge(c), a.merge(b.merge(c)))


counts = st.dictionaries(st.integers(0, 2 * KEPT).map(str), st.integers(1, 5), max_size=50)
crowds = st.integers(0, KEPT).map(lambda start: {str(i): i % 7 + 1 for i in range(start, start + KEPT + 50)})


def categories(seen: dict[str, int]) -> Categories:
    return keep(seen, sum(seen.values()))


@settings(max_examples=10, deadline=None)
@given(counts | crowds, counts | crowds, counts | crowds)
def test_categories_merge_exactly_however_many_values_there_are(
    one: dict[str, int], two: dict[str, int], three: dict[str, int]
) -> None:
    a, b, c = categories(one), categories(two), categories(three)
    whole = {name: one.get(name, 0) + two.get(name, 0) + three.get(name, 0) for name in {*one, *two, *three}}
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(a).merge(b) == categories(whole)


def test_every_row_is_counted_when_values_are_let_go() -> None:
    found = categories({str(i): 2 for i in range(KEPT + 10)})
    assert (len(found.counts), found.others) == (KEPT, 20)


def profile(rows: int = 2, **columns: ColumnProfile) -> Profile:
    return Profile(rows, columns)


def test_a_column_without_values_takes_those_of_the_other() -> None:
    full = profile(x=ColumnProfile(0, numbers([1.0, 2.0])))
    empty = profile(3, x=ColumnProfile(3))
    assert empty.merge(full) == full.merge(empty) == profile(5, x=ColumnProfile(3, numbers([1.0, 2.0])))


def test_profiles_of_different_columns_or_edges_do_not_merge() -> None:
    with pytest.raises(ValueError, match=r"\['x', 'y'\]"):
        profile(x=ColumnProfile(0)).merge(profile(y=ColumnProfile(0)))
    moved = Numbers(1, 0, 0, 0, 0, (0.0,), (1, 0))
    with pytest.raises(ValueError, match="different edges"):
        moved.merge(numbers([0.0]))


@given(values, counts)
def test_a_profile_survives_its_json_form(seen: list[float], names: dict[str, int]) -> None:
    whole = profile(a=ColumnProfile(1, numbers(seen)), b=ColumnProfile(0, None, categories(names)), c=ColumnProfile(2))
    assert Profile.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


@pytest.mark.parametrize(
    ("column", "count", "first", "last"),
    [
        (Column("x", ColumnType.FLOAT, minimum=0, maximum=1), 21, 0, 1),
        (Column("x", ColumnType.INTEGER, minimum=3, maximum=3), 1, 3, 3),
        (Column("x", ColumnType.FLOAT, minimum=0), 97, -5e9, 5e9),
        (Column("x", ColumnType.FLOAT), 97, -5e9, 5e9),
    ],
)
def test_edges_rise_and_depend_on_the_contract_alone(column: Column, count: int, first: float, last: float) -> None:
    found = edges(column)
    assert (len(found), found[0], found[-1]) == (count, first, last)
    assert list(found) == sorted(set(found))


@pytest.mark.parametrize("kind", [ColumnType.CATEGORY, ColumnType.TIMESTAMP, ColumnType.STRING, ColumnType.BOOLEAN])
def test_what_is_no_number_has_no_edges(kind: ColumnType) -> None:
    assert edges(Column("x", kind)) == ()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_no_further_off_than_its_bin_is_wide(values: list[float], share: float) -> None:
    column = Column("x", ColumnType.FLOAT, minimum=0, maximum=100)
    bounds = edges(column)
    bins = [0] * (len(bounds) + 1)
    for value in values:
        bins[bisect_left(bounds, value)] += 1
    numbers = Numbers(len(values), min(values), max(values), 0, 0, bounds, tuple(bins))
    true = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    found = numbers.quantile(share)
    assert found is not None
    assert abs(found - true) <= 5.000001
    assert numbers.minimum <= found <= numbers.maximum


def test_without_a_histogram_there_are_no_quantiles() -> None:
    assert Numbers(3, 1, 2, 1.5, 0.5).quantiles == {}
