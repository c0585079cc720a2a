"""A column that may be missing and is, in every row, is profiled as such, whatever its type and however it is read."""

from pathlib import Path

import pytest

from retide.data import judge
from retide.domain.contract import ColumnType, Contract, parse
from tests.unit.churn import CHURN
from tests.unit.data.tables import HEADER, csv_text, rows, write


def with_empty(kind: ColumnType, spend: dict[str, object]) -> Contract:
    empty: dict[str, object] = {"type": kind.value, "nullable": True, "max_missing": 1.0}
    if kind is ColumnType.CATEGORY:
        empty["values"] = ["a", "b"]
    columns = {**CHURN["columns"], "spend": {**CHURN["columns"]["spend"], **spend}, "empty": empty}
    return parse({**CHURN, "columns": columns}, "churn")


@pytest.mark.parametrize("kind", ColumnType)
@pytest.mark.parametrize("spend", [{}, {"max": 1, "severity": "warn"}], ids=["sound", "with care"])
def test_a_column_without_any_value_is_profiled_as_empty(
    tmp_path: Path, kind: ColumnType, spend: dict[str, object]
) -> None:
    table = csv_text([[*row, ""] for row in rows()], (*HEADER, "empty"))
    verdict = judge(write(tmp_path / "file", table), with_empty(kind, spend))
    assert verdict.accepted
    assert bool(verdict.findings) is bool(spend)
    assert verdict.profile is not None
    assert verdict.profile.columns["empty"].nulls == len(rows())
