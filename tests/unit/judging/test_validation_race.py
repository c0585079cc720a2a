"""The race of validators: its data are what they are said to be, and its figures are added up right."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from benchmarks.judging.data import Table, make, planted
from benchmarks.judging.field import chosen
from benchmarks.judging.race import Figures, median
from benchmarks.judging.report import Case, Result, exponent, limits
from benchmarks.judging.rules import ACROSS, CATEGORY, DUPLICATE, MISSING_VALUE, PATTERN, RANGE, TYPE

ROWS = 2_000
WRONG = {
    MISSING_VALUE: "quantity IS NULL",
    RANGE: "amount NOT BETWEEN 0 AND 20000",
    CATEGORY: "country = 'XX'",
    PATTERN: "NOT regexp_full_match(sku, '[A-Z]{2}-[0-9]{6}')",
    ACROSS: "delivered < ordered",
    DUPLICATE: "order_id IN (SELECT order_id FROM t GROUP BY order_id HAVING count(*) > 1)",
}


def rows_where(condition: str, path: Path) -> tuple[int, ...]:
    with duckdb.connect() as connection:
        numbered = connection.read_parquet(str(path)).project("row_number() OVER () AS row, *").create_view("t")
        return tuple(row for (row,) in numbered.filter(condition).project("row").order("row").fetchall())


@pytest.mark.parametrize("fault", WRONG)
def test_each_fault_of_the_race_lies_in_the_rows_that_are_said_and_in_no_others(fault: str, tmp_path: Path) -> None:
    faulty = make(Table(ROWS, 10, "faulty", "parquet"), tmp_path)
    assert rows_where(WRONG[fault], faulty) == planted(ROWS)[fault]
    assert rows_where(WRONG[fault], make(Table(ROWS, 10, "clean", "parquet"), tmp_path)) == ()


def test_the_text_among_the_numbers_of_the_race_stands_in_one_row(tmp_path: Path) -> None:
    path = make(Table(ROWS, 10, "mistyped", "csv"), tmp_path)
    (row,) = planted(ROWS)[TYPE]
    cells = [line.split(",")[3] for line in path.read_text().splitlines()[1:]]
    assert [number for number, cell in enumerate(cells, 1) if not cell.replace(".", "").isdigit()] == [row]


def test_the_data_of_the_race_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    table = Table(ROWS, 10, "clean", "csv")
    assert make(table, tmp_path / "a").read_bytes() == make(table, tmp_path / "b").read_bytes()


def test_the_faster_scan_is_the_limit_of_the_race() -> None:
    case = Case(10, "csv", ROWS)
    seen = [
        Result(name, case, Figures(work, 0.1, 1.0, work, 100.0, {}))
        for name, work in (("limit: slow", 2.0), ("limit: fast", 0.5), ("ours", 0.1))
    ]
    assert limits(seen)[case].work == 0.5


def test_a_median_is_that_of_each_figure_by_itself() -> None:
    runs = [Figures(work, 0.1, 5.0 - work, 0.2, 100 * work, {"range": 3}) for work in (1.0, 3.0, 2.0)]
    assert median(runs) == Figures(2.0, 0.1, 3.0, 0.2, 200.0, {"range": 3})


def test_the_exponent_of_a_power_law_is_found() -> None:
    assert exponent([(x, 3.0 * x**1.5) for x in (10.0, 100.0, 1000.0)]) == pytest.approx(1.5)


def test_a_word_that_names_no_contestant_says_whom_there_is() -> None:
    with pytest.raises(ValueError, match="'panda' is the beginning of no contestant's name: limit: DuckDB"):
        chosen(("ours", "panda"))
