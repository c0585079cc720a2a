"""Columns of few values are told by counting each: what is said of them is what the aggregate of all columns says."""
# ruff: noqa: S608 - the statements are the tests' own

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import judge
from retide.data.engine import connect
from retide.data.parquet import footer
from retide.data.statistics import measure
from retide.data.tally import MOST, all_numbers, promising, tallied, told
from tests.unit.data.tables import contract, csv_text, parquet, rows, write

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


def test_both_formats_of_the_same_rows_have_one_profile_and_faults_are_found_in_both(tmp_path: Path) -> None:
    table = rows(3_000)
    file = write(tmp_path / "text", csv_text(table))
    query = f"SELECT * FROM read_csv('{file}', types={{'months': 'BIGINT', 'spend': 'DOUBLE', 'left': 'BOOLEAN'}})"
    same = parquet(tmp_path / "same", query.replace("*", "* REPLACE (seen_at::TIMESTAMP AS seen_at)"))
    wrong = "plan = 'other'", "months = 700", "spend = 'inf'::DOUBLE", "spend = -1.0", "months = NULL"
    with connect(tmp_path) as connection:
        seen = footer(same, connection)
    assert {"plan", "months"} <= {column.name for column in promising(replace(seen, rows=10**6), contract())}
    assert promising(seen, contract()) == []  # of so few rows it is not worth it
    assert judge(same, contract()).profile == judge(file, contract()).profile
    for change in wrong:
        column, value = change.split(" = ")
        one = f"* REPLACE (CASE WHEN customer = 'C00007' THEN {value} ELSE {column} END AS {column})"
        faulty = parquet(tmp_path / "faulty", f"SELECT {one} FROM {relation(same)}")
        verdict = judge(faulty, contract())
        assert not verdict.accepted
        assert [finding.column for finding in verdict.findings if finding.rows] == [column]
