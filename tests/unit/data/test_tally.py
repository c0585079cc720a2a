"""Columns of few values are told by counting each: what is said of them is what the aggregate of all columns says."""
# ruff: noqa: S608 - the statements are the tests' own

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data.engine import connect
from retide.data.parquet import footer
from retide.data.statistics import measure
from retide.data.tally import MOST, all_numbers, promising, tallied, told
from tests.unit.data.tables import contract, parquet

RULES = contract(plan={"nullable": True}, months={"nullable": True}, spend={"nullable": True, "min": -50, "max": 50})
cells = st.tuples(
    st.none() | st.sampled_from(RULES.column("plan").values),
    st.none() | st.integers(0, 600),
    st.none() | st.floats(-60, 60, allow_nan=False),
)


def relation(file: Path) -> str:
    return f"read_parquet('{file}')"


def written(folder: Path, few: list[tuple[str | None, int | None, float | None]]) -> Path:
    with connect(folder) as connection:
        connection.execute("CREATE TABLE few (plan VARCHAR, months BIGINT, spend DOUBLE)")
        connection.executemany("INSERT INTO few VALUES (?, ?, ?)", few)
        values = "row_number() OVER () AS customer, TIMESTAMP '2026-01-01' AS seen_at, plan, months, spend"
        connection.execute(f"COPY (SELECT {values}, true AS \"left\" FROM few) TO '{folder / 'file'}' (FORMAT parquet)")
    return folder / "file"


@settings(max_examples=25, deadline=None)
@given(st.lists(cells, min_size=1, max_size=30))
def test_counts_of_values_say_what_the_aggregate_says(few: list[tuple[str | None, int | None, float | None]]) -> None:
    columns = [RULES.column(column) for column in ("plan", "months", "spend")]
    with TemporaryDirectory() as folder, connect(Path(folder)) as connection:
        file = relation(written(Path(folder), few))
        whole = measure(file, RULES, connection).profile.columns
        counts = tallied(file, columns, connection)
    for column in columns:
        found, known = told(column, counts[column.name]), whole[column.name]
        assert (found.nulls, found.categories, found.numbers is None) == (
            known.nulls,
            known.categories,
            known.numbers is None,
        )
        if found.numbers and known.numbers:
            one, other = found.numbers, known.numbers
            assert (one.count, one.minimum, one.maximum, one.edges, one.histogram) == (
                other.count,
                other.minimum,
                other.maximum,
                other.edges,
                other.histogram,
            )
            assert one.mean == pytest.approx(other.mean, rel=1e-9, abs=1e-9)
            assert one.m2 == pytest.approx(other.m2, rel=1e-7, abs=1e-9)


def test_a_column_of_many_values_is_left_to_the_aggregate(tmp_path: Path) -> None:
    spend = RULES.column("spend")
    with connect(tmp_path) as connection:
        few = tallied(f"(SELECT i::DOUBLE AS spend FROM range({MOST}) t(i))", [spend], connection)
        many = tallied(f"(SELECT i::DOUBLE AS spend FROM range({MOST + 1}) t(i))", [spend], connection)
    assert len(few["spend"]) == MOST
    assert not many


def test_numbers_that_jobs_cannot_compute_with_are_not_told() -> None:
    assert all_numbers({1.5: 2, None: 1, -3.4e38: 1})
    for wrong in (math.nan, math.inf, -math.inf, 3.5e38):
        assert not all_numbers({1.5: 2, wrong: 1})


def test_columns_of_few_values_are_known_by_the_footer_where_there_are_rows_enough(tmp_path: Path) -> None:
    file = parquet(
        tmp_path / "file", "SELECT ['basic', 'pro'][1 + i % 2] AS plan, i % 9 AS months FROM range(3000) t(i)"
    )
    with connect(tmp_path) as connection:
        found = footer(file, connection)
    assert [column.name for column in promising(replace(found, rows=10**6), RULES)] == ["plan", "months"]
    assert promising(found, RULES) == []
