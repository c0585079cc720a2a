"""Rows that break a rule are taken out alone where the contract says so: the rest is accepted, they are handed back."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from retide.data import judge
from retide.domain.contract import Contract
from retide.domain.verdict import Example, Finding, Severity, Verdict
from tests.unit.data.tables import HEADER, contract, csv_text, parquet, read, rows, write

SOME: Mapping[str, Any] = {"policy": {"reject_rows": 0.2}}


def lenient(others: Mapping[str, Any] = SOME, **changes: Mapping[str, Any]) -> Contract:
    return contract(others, **changes)


def broken(cells: Mapping[tuple[int, str], object], count: int = 20) -> list[list[object]]:
    """Good rows but for these cells, by row (from 1) and column."""
    table = rows(count)
    for (row, column), value in cells.items():
        table[row - 1][HEADER.index(column)] = value
    return table


def handed_back(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def the(verdict: Verdict, rule: str) -> Finding:
    (found,) = [finding for finding in verdict.findings if finding.rule == rule]
    return found


def test_rows_that_break_a_rule_are_taken_out_and_handed_back_as_they_were(tmp_path: Path) -> None:
    table = broken({(3, "months"): "many", (7, "plan"): '=1+1,"x"', (7, "spend"): -5})
    kept, rejected = tmp_path / "kept", tmp_path / "rejected"
    verdict = judge(write(tmp_path / "file", csv_text(table)), lenient(), keep=kept, rejected=rejected)
    assert (verdict.accepted, verdict.rows, verdict.rejected) == (True, 18, 2)
    assert {finding.severity for finding in verdict.findings} == {Severity.QUARANTINE}
    assert handed_back(rejected) == [
        ["row", "rules", *HEADER],
        ["3", "type months", *map(str, table[2])],
        ["7", "range spend; values plan", *map(str, table[6])],
    ]
    assert [row[0] for row in read(kept)] == [row[0] for i, row in enumerate(table) if i not in (2, 6)]


def test_the_rows_that_stay_are_those_that_a_corrected_file_would_have(tmp_path: Path) -> None:
    table = broken({(5, "plan"): "gold"})
    partly = judge(write(tmp_path / "a", csv_text(table)), lenient(), keep=tmp_path / "partly")
    whole = judge(write(tmp_path / "b", csv_text([*table[:4], *table[5:]])), lenient(), keep=tmp_path / "whole")
    assert (partly.curated, partly.profile, partly.rows) == (whole.curated, whole.profile, whole.rows)
    assert (partly.rejected, whole.rejected) == (1, 0)


def test_more_bad_rows_than_the_policy_allows_refuse_the_file_and_leave_nothing(tmp_path: Path) -> None:
    table = broken({(row, "plan"): "gold" for row in range(1, 6)})
    kept, rejected = tmp_path / "kept", tmp_path / "rejected"
    verdict = judge(write(tmp_path / "file", csv_text(table)), lenient(), keep=kept, rejected=rejected)
    assert [finding.rule for finding in verdict.refusals] == ["reject_rows"]
    assert the(verdict, "reject_rows").seen == "5 of 20 rows (25.00%), most of them for values plan (5)"
    assert (kept.exists(), rejected.exists(), verdict.curated, verdict.rows) == (False, False, None, 20)


def test_a_file_of_nothing_but_bad_rows_is_refused_whatever_the_share(tmp_path: Path) -> None:
    rules = lenient({"policy": {"reject_rows": 1.0}})
    verdict = judge(write(tmp_path / "file", csv_text(broken({(1, "plan"): "gold"}, count=1))), rules)
    assert [finding.rule for finding in verdict.refusals] == ["reject_rows"]


def test_of_rows_with_the_same_id_the_first_stays(tmp_path: Path) -> None:
    table = broken({(9, "customer"): "C00002", (12, "customer"): "C00002"})
    kept, rejected = tmp_path / "kept", tmp_path / "rejected"
    verdict = judge(write(tmp_path / "file", csv_text(table)), lenient(), keep=kept, rejected=rejected)
    assert (verdict.accepted, verdict.rejected) == (True, 2)
    assert [(row[0], row[1]) for row in handed_back(rejected)[1:]] == [
        ("9", "unique customer"),
        ("12", "unique customer"),
    ]
    assert the(verdict, "unique").examples == (Example(3, "C00002 (3 times)"),)


def test_rows_without_a_shape_are_counted_and_the_numbers_of_the_others_stay_right(tmp_path: Path) -> None:
    lines = csv_text(broken({(4, "plan"): "gold"})).splitlines()
    lines[2] = "C00001,2026-01-02"  # row 2
    rejected = tmp_path / "rejected"
    verdict = judge(write(tmp_path / "file", "\n".join(lines) + "\n"), lenient(), rejected=rejected)
    assert (verdict.accepted, verdict.rows, verdict.rejected) == (True, 18, 2)
    assert [row[:2] for row in handed_back(rejected)[1:]] == [["2", "shape"], ["4", "values plan"]]
    assert handed_back(rejected)[1][2] == "C00001,2026-01-02"
    assert the(verdict, "values").examples == (Example(4, "gold"),)


def test_of_a_parquet_file_all_its_own_columns_are_handed_back(tmp_path: Path) -> None:
    query = (
        "SELECT i AS extra, 'C' || i AS customer, TIMESTAMP '2026-01-01' AS seen_at, "
        "CASE WHEN i = 4 THEN 'gold' ELSE 'pro' END AS plan, i AS months, i / 2 AS spend, i > 2 AS \"left\" "
        "FROM range(10) t(i)"
    )
    rejected = tmp_path / "rejected"
    verdict = judge(parquet(tmp_path / "file", query), lenient(), rejected=rejected)
    assert (verdict.accepted, verdict.rejected) == (True, 1)
    assert handed_back(rejected) == [
        ["row", "rules", "extra", "customer", "seen_at", "plan", "months", "spend", "left"],
        ["5", "values plan", "4", "C4", "2026-01-01 00:00:00", "gold", "4", "2.0", "true"],
    ]


def test_a_rule_that_refuses_refuses_although_others_take_rows_out(tmp_path: Path) -> None:
    rules = lenient(plan={"severity": "refuse"})
    verdict = judge(write(tmp_path / "file", csv_text(broken({(4, "plan"): "gold", (5, "months"): 999}))), rules)
    assert {(finding.rule, finding.severity) for finding in verdict.findings} == {
        ("values", Severity.REFUSE),
        ("range", Severity.QUARANTINE),
    }
    assert (verdict.accepted, verdict.rejected) == (False, 0)


def test_a_rule_that_warns_keeps_its_rows_and_says_so(tmp_path: Path) -> None:
    rules = contract(months={"severity": {"range": "warn"}})
    verdict = judge(write(tmp_path / "file", csv_text(broken({(5, "months"): 999}))), rules)
    assert (verdict.accepted, verdict.rows, the(verdict, "range").severity) == (True, 20, Severity.WARN)


def test_a_set_that_grows_takes_new_values_and_names_them(tmp_path: Path) -> None:
    rules = contract(plan={"grows": True})
    verdict = judge(write(tmp_path / "file", csv_text(broken({(5, "plan"): "gold"}))), rules, keep=tmp_path / "kept")
    assert (verdict.accepted, the(verdict, "values").severity) == (True, Severity.WARN)
    assert the(verdict, "values").examples == (Example(5, "gold"),)
    assert verdict.profile is not None
    categories = verdict.profile.columns["plan"].categories
    assert categories is not None
    assert categories.counts["gold"] == 1


def test_a_text_must_match_its_pattern_as_a_whole(tmp_path: Path) -> None:
    rules = contract(customer={"pattern": "C[0-9]{5}"})
    table = broken({(2, "customer"): "xC00001", (3, "customer"): "C00002\nC00002"})
    finding = the(judge(write(tmp_path / "file", csv_text(table)), rules), "pattern")
    assert (finding.rows, finding.examples) == (2, (Example(2, "xC00001"), Example(3, "C00002\\nC00002")))


def test_a_check_over_columns_shows_the_values_of_all_of_them(tmp_path: Path) -> None:
    rules = contract({"checks": [{"name": "cheap", "rule": "spend <= months * 10", "advice": "Ask sales."}]})
    finding = the(judge(write(tmp_path / "file", csv_text(broken({(3, "spend"): 21}))), rules), "check:cheap")
    assert (finding.column, finding.rows, finding.advice) == ("cheap", 1, "Ask sales.")
    assert finding.examples == (Example(3, "spend 21, months 2"),)


def test_values_of_a_sensitive_column_are_shown_nowhere(tmp_path: Path) -> None:
    rules = contract(customer={"pii": True, "pattern": "C[0-9]{5}"}, spend={"pii": True})
    table = broken({(2, "customer"): "Mrs Miller", (4, "spend"): -77.25, (9, "customer"): "C00004"})
    verdict = judge(write(tmp_path / "file", csv_text(table)), rules)
    assert {finding.rule for finding in verdict.findings} == {"pattern", "range", "unique"}
    said = str(verdict.to_dict())
    assert [word for word in ("Miller", "77.25", "C00004") if word in said] == []
    good = judge(write(tmp_path / "good", csv_text(rows())), rules)
    assert good.profile is not None
    assert (good.profile.columns["spend"].numbers, good.profile.columns["customer"].categories) == (None, None)


@pytest.mark.parametrize(
    ("severity", "advice"),
    [
        ("refuse", "Correct these {}, then send the file again."),
        ("quarantine", "Correct these {}, then send these rows again, as a file of their own."),
        ("warn", "They are accepted as they are: nothing must be sent. If these {} are wrong, mend their source."),
    ],
)
def test_advice_asks_for_what_the_severity_of_a_rule_leaves_to_be_sent(
    tmp_path: Path, severity: str, advice: str
) -> None:
    checks = [{"name": "paid", "rule": "spend >= 0", "severity": severity}]
    held = lenient({**SOME, "checks": checks}, plan={"severity": {"values": severity}}, spend={"min": None})
    table = broken({(7, "plan"): "gold", (8, "spend"): -5})
    verdict = judge(write(tmp_path / "file", csv_text(table)), held)
    assert the(verdict, "values").advice == advice.format("values")
    assert the(verdict, "check:paid").advice == advice.format("rows")


def test_rows_taken_out_for_what_they_lack_are_to_be_sent_again_filled_in(tmp_path: Path) -> None:
    table = broken({(7, "plan"): ""})
    advice = the(judge(write(tmp_path / "file", csv_text(table)), lenient()), "required").advice
    assert advice == "They were left out. Fill them in, then send these rows again, as a file of their own."
