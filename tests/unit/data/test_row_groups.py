"""How the rows of a Parquet file are grouped decides what is asked at once, and shows in nothing that is told."""
# ruff: noqa: S608 - the statements are the tests' own

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import judge
from retide.domain.contract import Contract
from retide.domain.verdict import Verdict
from tests.unit.data.tables import contract, csv_file, parquet

COUNT = 70_000  # so many that columns of few values are counted
FEW = 3_000  # so few that they are not
GROUPED = {"one": 2**17, "many": 2**11}  # rows of a group
SPEND = "CASE WHEN i % 9 > 0 THEN (i * 7919 % 99991) / 7.0 END"


def sound(spend: str = SPEND, count: int = COUNT) -> str:
    """SQL for rows, numbered by `i`, with these values in the column `spend`."""
    return (
        "SELECT 'C' || i AS customer, TIMESTAMP '2026-01-01' + to_seconds(i) AS seen_at, "
        f"['basic', 'pro'][1 + i % 2] AS plan, i % 500 AS months, {spend} AS spend, i % 3 = 0 AS \"left\" "
        f"FROM range({count}) t(i)"
    )


RULES = contract({"checks": [{"name": "paid", "rule": "spend <= 20000 or months < 500"}]}, customer={"pattern": "C.+"})
FAULTS = [
    ("customer", "'C8'"),
    ("seen_at", "NULL"),
    ("plan", "'other'"),
    ("months", "601"),
    ("months", "NULL"),
    ("spend", "-0.5"),
    ("spend", "'inf'::DOUBLE"),
    ("left", "NULL"),
]


def written(folder: Path, query: str, grouped: str) -> Path:
    return parquet(folder / f"{grouped}.parquet", query, f"ROW_GROUP_SIZE {GROUPED[grouped]}")


def told(folder: Path, query: str) -> Verdict:
    """What is said of it however it is grouped, which is the same."""
    one, many = (judge(written(folder, query, grouped), RULES) for grouped in GROUPED)
    assert one == many
    return one


@pytest.mark.parametrize("count", [FEW, COUNT])
def test_a_sound_file_is_told_the_same_as_its_text(tmp_path: Path, count: int) -> None:
    found = told(tmp_path, sound(count=count))
    assert found.accepted, found.reason
    assert found.profile == judge(csv_file(tmp_path / "text", sound(count=count)), RULES).profile


@pytest.mark.parametrize("count", [FEW, COUNT])
@pytest.mark.parametrize(("column", "fault"), FAULTS)
def test_a_fault_in_one_row_is_found_in_its_column(tmp_path: Path, column: str, fault: str, count: int) -> None:
    faulty = f'CASE WHEN customer = \'C1711\' THEN {fault} ELSE "{column}" END AS "{column}"'
    found = told(tmp_path, f"SELECT * REPLACE ({faulty}) FROM ({sound(count=count)})")
    rows = 2 if column == "customer" else 1  # one that repeats another is none alone
    assert [(finding.column, finding.rows) for finding in found.refusals] == [(column, rows)]


def test_a_check_of_a_column_that_is_counted_and_one_that_is_not_is_asked(tmp_path: Path) -> None:
    faulty = ("CASE WHEN customer = 'C4711' THEN 30000.0 ELSE spend END AS spend", "500 AS months")
    found = told(tmp_path, f"SELECT * REPLACE ({', '.join(faulty)}) FROM ({sound()})")
    assert [(finding.rule, finding.rows) for finding in found.refusals] == [("check:paid", 1)]


def test_a_column_that_only_seems_to_have_few_values_is_measured_after_all(tmp_path: Path) -> None:
    """The footer tells of the first group alone."""
    query = sound("CASE WHEN i < 9000 THEN i % 3 ELSE i / 7.0 END")
    found = told(tmp_path, query)
    assert found.profile is not None
    assert found.profile == judge(csv_file(tmp_path / "text", query), RULES).profile


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, Contract]:
    """SQL for the values of a column by a row's number `i`, and what is expected of them."""
    physical = draw(st.sampled_from(["DOUBLE", "FLOAT", "DECIMAL(18, 3)", "INTEGER", "UBIGINT"]))
    different = draw(st.sampled_from([2, 999, 10**6]))
    fault = draw(st.sampled_from(["", "NULL", "-1", "2000000", "'NaN'::DOUBLE", "'-inf'::DOUBLE"]))
    missing, ranged = draw(st.booleans()), draw(st.booleans())
    value = f"CAST(hash(i) % {different} / 8 AS {physical})"
    value = f"CASE WHEN i % 9 > 0 THEN {value} END" if missing else value
    value = f"CASE WHEN i = 0 THEN {fault} ELSE {value} END" if fault else value
    bounds = {"min": 0, "max": different} if ranged else {"min": None}
    return value, contract(spend={"nullable": missing, "max_missing": 0.5 if missing else None, **bounds})


@settings(max_examples=25, deadline=None)
@given(numbers(), st.sampled_from([1, FEW, COUNT]))
def test_numbers_are_told_the_same_however_they_lie(drawn: tuple[str, Contract], count: int) -> None:
    """In one group of rows or in many, as they came or written anew."""
    value, rules = drawn
    with TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        files = [written(Path(folder), sound(value, count), one) for one in GROUPED]
        found = [judge(file, rules, keep=keep) for keep in (None, kept) for file in files]
    said = [(one.findings, one.profile, one.rows) for one in found]
    assert said == said[:1] * 4
    assert found[2].curated == found[3].curated
