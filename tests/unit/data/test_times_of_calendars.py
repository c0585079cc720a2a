"""A time that no calendar of Python or Arrow holds fits no column: what comes after the gate could not even say it."""
# ruff: noqa: S608 - the statements are the tests' own

from pathlib import Path

import pytest

from retide.data import judge
from tests.unit.data.tables import changed, contract, csv_text, parquet, write

BEYOND = (
    "2026-01-01 (BC)",
    "0000-01-01",
    "0001-01-01T00:00:00+15:00",
    "9999-12-31T23:59:59-15:00",
    "2026-01-01T00:00:00+99:00",
    "2026-01-01T00:00:00.5-1600",
)
WITHIN = ("0001-01-01", "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00+15:59", "2026-01-01")


@pytest.mark.parametrize("time", BEYOND)
def test_a_time_beyond_all_calendars_is_no_time(tmp_path: Path, time: str) -> None:
    verdict = judge(write(tmp_path / "file", csv_text(changed(3, "seen_at", time))), contract())
    ((rule, column, rows),) = {(found.rule, found.column, found.rows) for found in verdict.refusals}
    assert (rule, column, rows) == ("type", "seen_at", 1)


@pytest.mark.parametrize("time", WITHIN)
def test_a_time_at_the_ends_of_the_calendar_is_one(tmp_path: Path, time: str) -> None:
    assert judge(write(tmp_path / "file", csv_text(changed(3, "seen_at", time))), contract()).accepted


@pytest.mark.parametrize("time", ["'2026-01-01 (BC)'", "'10000-01-01'", "'infinity'"])
def test_a_parquet_file_holds_no_time_beyond_all_calendars_either(tmp_path: Path, time: str) -> None:
    rows = (
        f"SELECT 'C' || i AS customer, CASE i WHEN 3 THEN TIMESTAMP {time} ELSE TIMESTAMP '2026-01-01' END AS seen_at, "
        "CASE i % 2 WHEN 0 THEN 'basic' ELSE 'pro' END AS plan, i AS months, 1.5 * i AS spend, i % 3 = 0 AS left "
        "FROM range(1, 21) t(i)"
    )
    verdict = judge(parquet(tmp_path / "file", rows), contract())
    assert [(found.rule, found.column, found.rows) for found in verdict.refusals] == [("type", "seen_at", 1)]
