"""The truth about rows: the target by the id columns, of files in the order in which they came."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from retide.data.truth import truth_of
from retide.domain.contract import Contract, parse

CONTRACT = {
    "task": "classification",
    "target": "ill",
    "id": ["patient"],
    "columns": {
        "patient": {"type": "integer"},
        "age": {"type": "integer"},
        "ill": {"type": "category", "values": ["no", "yes"]},
    },
    "metric": {"name": "accuracy", "floor": 0.7},
}


@pytest.fixture
def contract() -> Contract:
    return parse(CONTRACT, "m")


def rows(folder: Path, name: str, values: str) -> Path:
    file = folder / f"{name}'s [rows].parquet"
    table = f"(VALUES {values}) t(patient, ill)"
    duckdb.execute(f"COPY (SELECT * FROM {table}) TO '{str(file).replace("'", "''")}'")  # noqa: S608 - ours
    return file


def test_the_newest_truth_counts_and_what_says_nothing_is_left_out(tmp_path: Path, contract: Contract) -> None:
    first = rows(tmp_path, "first", "(1, 'no'), (2, 'no'), (NULL, 'no'), (3, NULL)")
    second = rows(tmp_path, "second", "(2, 'yes')")
    assert truth_of([first, second], contract, tmp_path) == {"1": "no", "2": "yes"}
    assert truth_of([], contract, tmp_path) == {}
