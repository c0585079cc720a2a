"""Profiles of files: those of the parts merge to that of the whole."""

from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import judge
from retide.domain.profile import ColumnProfile, Profile
from tests.unit.data.tables import contract, csv_text, write

RULES = contract({"policy": {"max_missing": 1.0}}, plan={"values": []}, spend={"nullable": True, "min": None})
cells = st.tuples(
    st.sampled_from(["2026-01-01", "2026-02-28T10:00:00.5Z"]),
    st.text("abcé,;'\" ", min_size=1, max_size=3).filter(lambda text: text.strip()),
    st.integers(0, 600),
    st.none() | st.floats(-1e6, 1e6),
    st.booleans(),
)
parts = st.lists(st.lists(cells, min_size=1, max_size=8), min_size=1, max_size=3)


def profile(folder: Path, table: list[tuple[object, ...]]) -> Profile:
    verdict = judge(write(folder / "file", csv_text([[i, *row] for i, row in enumerate(table)])), RULES)
    assert verdict.profile is not None, verdict.reason
    return verdict.profile


def close(one: ColumnProfile, other: ColumnProfile) -> bool:
    if one.numbers is None or other.numbers is None:
        return one == other
    a, b = one.numbers, other.numbers
    exact = (a.count, a.minimum, a.maximum, a.histogram) == (b.count, b.minimum, b.maximum, b.histogram)
    if a.mean is None or a.m2 is None:  # of times
        return exact and (b.mean, b.m2) == (a.mean, a.m2) and one.nulls == other.nulls
    moments = a.mean == pytest.approx(b.mean, rel=1e-9, abs=1e-3) and a.m2 == pytest.approx(b.m2, rel=1e-6, abs=1e-2)
    return exact and moments and one.nulls == other.nulls


@settings(max_examples=15, deadline=None)
@given(parts)
def test_the_profiles_of_parts_merge_to_that_of_the_whole(tables: list[list[tuple[object, ...]]]) -> None:
    with TemporaryDirectory() as folder:
        merged = reduce(Profile.merge, [profile(Path(folder), table) for table in tables])
        whole = profile(Path(folder), [row for table in tables for row in table])
    assert merged.rows == whole.rows
    assert [name for name in whole.columns if not close(merged.columns[name], whole.columns[name])] == []
