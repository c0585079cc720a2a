"""No file keeps its judge for longer than its size allows, and what is given up is told as a refusal."""

from pathlib import Path

import pytest

from retide.data import judge
from retide.data.patience import BYTES_PER_SECOND, LEAST_SECONDS, seconds_for
from tests.unit.data.tables import contract, csv_text, parquet, rows, write

LARGE = (
    "SELECT 'C' || i AS customer, TIMESTAMP '2026-01-01' AS seen_at, 'basic' AS plan, i % 600 AS months, "
    'i / 7e9 AS spend, i % 2 = 0 AS "left" FROM range(2000000) t(i)'
)


@pytest.mark.parametrize("row_group", [2**17, 2**21])  # a query keeps all processors busy, or several run at once
@pytest.mark.parametrize("kept", [False, True])
def test_a_file_that_takes_too_long_is_refused_with_what_to_do(tmp_path: Path, *, kept: bool, row_group: int) -> None:
    keep, file = tmp_path / "kept" if kept else None, parquet(tmp_path / "file", LARGE, f"ROW_GROUP_SIZE {row_group}")
    verdict = judge(file, contract(), keep=keep, seconds=0.01)
    (finding,) = verdict.refusals
    assert finding.rule == "readable"
    assert "not judged after 0 seconds" in finding.seen
    assert "Split it" in finding.advice
    assert not (tmp_path / "kept").exists()


def test_one_that_is_judged_in_time_is_never_interrupted(tmp_path: Path) -> None:
    assert judge(write(tmp_path / "file", csv_text(rows(20))), contract(), seconds=60).accepted


def test_a_function_outlives_the_judging_of_the_largest_file_that_it_takes() -> None:
    assert LEAST_SECONDS < seconds_for(2**30) < 300
    assert seconds_for(2**40) > 2**40 / BYTES_PER_SECOND
