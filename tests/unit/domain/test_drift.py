"""Drift against the champion's data: found where it is, in words with figures; silent where there is none."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from retide.domain.contract import Contract, parse
from retide.domain.drift import MOST, drift
from retide.domain.profile import Categories, ColumnProfile, Numbers, Profile, edges
from retide.domain.severity import Severity
from retide.domain.verdict import Finding
from tests.unit.churn import CHURN

SHARES = {"basic": 0.6, "pro": 0.3, "team": 0.1}
FREE = {**CHURN["columns"], "plan": {"type": "category"}}


def churn(columns: Mapping[str, Any] = FREE, **drift_settings: Any) -> Contract:
    return parse({**CHURN, "columns": columns, "drift": drift_settings}, "m")


def numbers(contract: Contract, column: str, values: list[float]) -> Numbers:
    bounds = edges(contract.column(column))
    histogram = [0] * (len(bounds) + 1)
    for value in values:
        histogram[sum(value > bound for bound in bounds)] += 1
    mean = sum(values) / len(values)
    m2 = sum((value - mean) ** 2 for value in values)
    return Numbers(len(values), min(values), max(values), mean, m2, bounds, tuple(histogram))


def sample(
    contract: Contract,
    rows: int = 1000,
    *,
    seed: int = 0,
    plans: Mapping[str, float] = SHARES,
    months: float = 200,
    missing: float = 0.05,
) -> Profile:
    """`rows` customers: plans by their share, months around a mean, some without their spend."""
    draw = random.Random(seed)
    plan = Counter(draw.choices([*plans], [*plans.values()], k=rows))
    nulls = sum(draw.random() < missing for _ in range(rows))
    month = [min(600.0, max(0.0, draw.gauss(months, 60))) for _ in range(rows)]
    spend = [draw.lognormvariate(3, 1) for _ in range(rows - nulls)]
    left = Counter(draw.choices(["false", "true"], k=rows))
    return Profile(
        rows,
        {
            "customer": ColumnProfile(0),
            "seen_at": ColumnProfile(0, Numbers(rows, seed, seed + 1, seed, 1.0)),
            "plan": ColumnProfile(0, categories=Categories(plan)),
            "months": ColumnProfile(0, numbers(contract, "months", month)),
            "spend": ColumnProfile(nulls, numbers(contract, "spend", spend)),
            "left": ColumnProfile(0, categories=Categories(left)),
        },
    )


def found(now: Profile, before: Profile, contract: Contract) -> tuple[Finding, ...]:
    return drift(now, before, contract, "the champion's data")


@pytest.mark.parametrize("settings", [{}, {"psi": 0.0, "missing": 0.0}], ids=["defaults", "limits of zero"])
def test_objects_without_drift_are_not_warned_about(settings: dict[str, Any]) -> None:
    contract = churn(**settings, vanished=True)
    before = sample(contract, 3000, seed=99)
    assert [found(sample(contract, 500, seed=seed), before, contract) for seed in range(40)] == [()] * 40


def test_a_number_that_moves_is_told_with_its_index_and_the_bins_that_moved_most() -> None:
    contract = churn()
    (finding,) = found(sample(contract, 500, months=260), sample(contract, 3000, seed=1), contract)
    assert (finding.rule, finding.column, finding.severity) == ("drift", "months", Severity.WARN)
    assert finding.expected == "values spread as in the champion's data (PSI at most 0.25)"
    index, _, moved = finding.seen.removeprefix("PSI ").partition(" (")
    assert float(index) == pytest.approx(1, abs=0.3)
    assert moved.count("→") == 3


def test_a_new_category_is_named_with_its_share() -> None:
    contract = churn()
    plans = {**SHARES, "gold": 0.08}
    (finding,) = found(sample(contract, 1000, plans=plans), sample(contract, 3000, seed=1), contract)
    assert finding.expected == "values unknown to the champion's data in at most 5.0% of rows"
    assert finding.seen == "7.2% ('gold' 7.2%)"
    assert finding.rows == 72


def test_a_category_that_is_gone_is_named_with_the_share_that_it_had() -> None:
    contract = churn(psi=None)
    before = sample(contract, 3000, seed=1)
    (finding,) = found(sample(contract, 1000, plans={"basic": 0.66, "pro": 0.34}), before, contract)
    assert finding.expected == "every value that is common in the champion's data"
    share = before.columns["plan"].categories.counts["team"] / 3000  # type: ignore[union-attr]
    assert finding.seen == f"no row with 'team' {share:.1%}"


def test_a_rare_value_that_did_not_come_is_chance() -> None:
    contract = churn()
    before = sample(contract, 5000, seed=1, plans={**SHARES, "gold": 0.005})
    assert "gold" in before.columns["plan"].categories.counts  # type: ignore[union-attr]
    assert found(sample(contract, 600), before, contract) == ()


@pytest.mark.parametrize(("missing", "seen"), [(0.3, "none in 27.9%"), (0.05, None)])
def test_more_missing_values_are_told_with_both_rates(missing: float, seen: str | None) -> None:
    contract = churn()
    findings = found(sample(contract, 1000, missing=missing), sample(contract, 3000, seed=1), contract)
    assert [finding.seen for finding in findings] == ([seen] if seen else [])
    assert all(finding.expected.endswith("as in the champion's data, give or take 10.0%") for finding in findings)


@pytest.mark.parametrize(("rows", "before"), [(499, 3000), (3000, 499)])
def test_too_few_rows_on_either_side_say_nothing(rows: int, before: int) -> None:
    contract = churn()
    assert found(sample(contract, rows, months=500), sample(contract, before), contract) == ()


def test_switched_off_rules_find_nothing() -> None:
    contract = churn(psi=None, new_categories=None, vanished=False, missing=None)
    now = sample(contract, 1000, months=500, missing=0.9, plans={"gold": 1.0})
    assert found(now, sample(contract, 3000, seed=1), contract) == ()


def test_of_a_personal_column_no_value_is_named_and_only_missing_values_are_counted() -> None:
    columns = {**FREE, "plan": {"type": "category", "pii": True}, "spend": {**FREE["spend"], "pii": True}}
    contract = churn(columns)
    now = sample(contract, 1000, plans={"gold": 1.0}, missing=0.9)
    assert [finding.column for finding in found(now, sample(contract, 3000, seed=1), contract)] == ["spend"]


def test_a_reference_that_let_values_go_cannot_say_which_are_new() -> None:
    contract = churn(psi=None)
    before, now = sample(contract, 3000), sample(contract, 3000, plans={"gold": 1.0})
    known = {**before.columns, "plan": ColumnProfile(0, categories=Categories({"basic": 1000}, others=2000))}
    assert found(now, Profile(3000, known), contract) == ()


def test_columns_that_either_side_does_not_know_are_not_compared() -> None:
    contract = churn()
    before = sample(contract, 3000, seed=1)
    known = {name: column for name, column in before.columns.items() if name != "months"}
    assert found(sample(contract, 1000, months=500), Profile(3000, known), contract) == ()


def test_the_severity_is_the_contracts_and_the_strongest_drift_comes_first() -> None:
    contract = churn(severity="refuse")
    now = sample(contract, 1000, months=260, missing=0.9)
    findings = found(now, sample(contract, 3000, seed=1), contract)
    assert [(finding.column, finding.severity) for finding in findings] == [
        ("spend", Severity.REFUSE), ("months", Severity.REFUSE),
    ]  # fmt: skip


def test_of_hundreds_of_findings_the_strongest_are_told_and_the_rest_is_counted() -> None:
    extra = {f"x{n:03d}": {"type": "float", "nullable": True} for n in range(100)}
    contract = churn({**FREE, **extra})
    before, now = sample(contract, 1000), sample(contract, 1000)
    full = Profile(1000, {**before.columns, **{name: ColumnProfile(0) for name in extra}})
    empty = Profile(1000, {**now.columns, **{name: ColumnProfile(200 + n) for n, name in enumerate(extra)}})
    findings = found(empty, full, contract)
    assert [finding.column for finding in findings[:2]] == ["x099", "x098"]
    assert len(findings) == MOST + 1
    assert findings[-1].seen == "80 smaller ones, in x079, x078, x077, x076, x075 and others"
