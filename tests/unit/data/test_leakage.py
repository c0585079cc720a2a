"""A feature that gives the target away is named; one that only helps is not."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.data import judge
from retide.data.leakage import LEAST, leakage
from retide.domain.contract import Contract, parse
from retide.domain.verdict import Severity
from tests.unit.churn import CHURN
from tests.unit.data.tables import contract, csv_text, write

COUNT = 2_000


def churn(months: int, plan: str, left: bool, i: int) -> list[object]:
    return [f"C{i:05d}", "2026-01-05", plan, months, i * 7919 % 1000, left]


def hints(folder: Path, table: list[list[object]], rules: Contract) -> list[tuple[str, Severity]]:
    verdict = judge(write(folder / "file", csv_text(table)), rules)
    return [(finding.column, finding.severity) for finding in verdict.findings if finding.rule == "leakage"]


def table(leak: str) -> list[list[object]]:
    rows = []
    for i in range(COUNT):
        noise, left = i * 7919 % 599, i * 104729 % 3 == 0
        months = (300 + noise % 300 if left else noise % 300) if leak == "months" else noise
        plan = ("pro" if left else "basic") if leak == "plan" else ("pro", "basic")[noise % 2]
        rows.append(churn(months, plan, left, i))
    return rows


@pytest.mark.parametrize("leak", ["months", "plan"])
def test_a_feature_that_tells_the_class_is_named(tmp_path: Path, leak: str) -> None:
    assert hints(tmp_path, table(leak), contract()) == [(leak, Severity.WARN)]


def test_a_feature_that_tells_little_is_not_named(tmp_path: Path) -> None:
    assert hints(tmp_path, table("nothing"), contract()) == []


def test_with_the_limit_switched_off_nothing_is_said(tmp_path: Path) -> None:
    assert hints(tmp_path, table("plan"), contract({"leakage": {"limit": None}})) == []


def test_a_leak_refuses_the_file_where_the_contract_says_so(tmp_path: Path) -> None:
    rules = contract({"leakage": {"severity": "refuse"}})
    assert hints(tmp_path, table("plan"), rules) == [("plan", Severity.REFUSE)]


def test_a_feature_that_is_the_number_to_predict_is_named(tmp_path: Path) -> None:
    raw: dict[str, Any] = {**CHURN, "task": "regression", "target": "spend", "metric": {"name": "rmse"}}
    raw["columns"] = {**CHURN["columns"], "spend": {"type": "float"}}
    rows = [churn(i * 7919 % 600, "pro", i % 2 == 0, i) for i in range(COUNT)]
    for row in rows:
        row[4] = float(str(row[3])) * 3 + 1
    assert hints(tmp_path, rows, parse(raw, "churn")) == [("months", Severity.WARN)]


def told_by_plan(labels: Sequence[bool | None], plans: Sequence[str | None]) -> float:
    """The formula, in full: what the usual class of each plan gets right, above what the usual class of all does."""
    pairs = Counter((plan, label) for label, plan in zip(labels, plans, strict=True) if label is not None)
    right = sum(max(pairs[plan, False], pairs[plan, True]) for plan in {plan for plan, _ in pairs})
    usual = max(sum(pairs[plan, label] for plan in {plan for plan, _ in pairs}) for label in (False, True))
    return (right - usual) / (pairs.total() - usual) if pairs.total() > usual else 0.0


@given(st.data(), st.integers(LEAST, 150), st.integers(0, 30), st.sampled_from([0.5, 0.9, 1.0]))
def test_what_is_named_is_what_tells_so_much_of_the_rows_with_a_label(
    data: st.DataObject, count: int, wrong: int, limit: float
) -> None:
    labels = data.draw(st.lists(st.sampled_from([False, True, None]), min_size=count, max_size=count))
    plans = [None if label is None else ("basic", "pro")[label ^ (i < wrong)] for i, label in enumerate(labels)]
    rules = contract({"leakage": {"limit": limit}})
    sample = [(label, plan, 1, 1.0) for label, plan in zip(labels, plans, strict=True)]
    enough = sum(label is not None for label in labels) >= LEAST
    named = [finding.column for finding in leakage(sample, rules)]
    assert named == (["plan"] if enough and told_by_plan(labels, plans) >= limit else [])


def test_labels_that_are_all_missing_or_all_the_same_give_nothing_away() -> None:
    for label in (None, True):
        assert leakage([(label, "pro", 1, 1.0)] * 200, contract()) == ()
