"""What an object is expected to be: as large as those before it, as fresh as agreed, its label as in the reference."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retide.domain.context import Context
from retide.domain.contract import parse
from retide.domain.expectations import context_findings
from retide.domain.profile import Categories, ColumnProfile, Numbers, Profile
from retide.domain.severity import Severity
from retide.domain.verdict import Finding
from tests.unit.churn import CHURN

NEWEST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def profile(rows: int = 1000, left: Mapping[str, int] | None = None) -> Profile:
    seconds = NEWEST.timestamp()
    return Profile(
        rows,
        {
            "seen_at": ColumnProfile(0, Numbers(rows, seconds - 9e5, seconds, seconds - 4e5, 1.0)),
            "left": ColumnProfile(0, categories=Categories(left or {"false": rows // 2, "true": rows - rows // 2})),
        },
    )


def found(now: Profile, context: Context, **settings: Any) -> tuple[Finding, ...]:
    return context_findings(now, parse({**CHURN, **settings}, "m"), context)


def test_without_a_context_and_bounds_nothing_is_said() -> None:
    assert found(profile(), Context()) == ()


# Rows.


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [({"min": 1001}, "at least 1001 rows"), ({"max": 999}, "at most 999 rows"), ({"min": 1000, "max": 1000}, None)],
)
def test_the_contracts_bounds_hold_for_the_rows(bounds: Mapping[str, int], expected: str | None) -> None:
    findings = found(profile(1000), Context(), rows=bounds)
    assert [finding.expected for finding in findings] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("rows", "side"), [(499, "at least 500 rows, 0.5"), (500, None), (3000, None), (3001, "at most 3000 rows, 3")]
)
def test_rows_are_compared_with_the_median_of_the_last_objects(rows: int, side: str | None) -> None:
    context = Context(recent_rows=(1000, 900, 50_000))
    findings = found(profile(rows), context, rows={"fall": 0.5, "rise": 3.0})
    words = "times the median (1000) of the last 3 objects"
    assert [finding.expected for finding in findings] == ([f"{side} {words}"] if side else [])
    assert all(finding.seen == f"{rows} rows" for finding in findings)


def test_only_the_last_objects_that_the_contract_names_count() -> None:
    context = Context(recent_rows=(10, 10, 10, 9000, 9000, 9000, 9000))
    assert found(profile(20), context, rows={"fall": 0.5, "last": 3}) == ()
    assert len(found(profile(20), context, rows={"fall": 0.5})) == 1


def test_two_earlier_objects_do_not_say_what_is_usual() -> None:
    assert found(profile(1), Context(recent_rows=(1000, 1000)), rows={"fall": 0.5}) == ()


# Freshness.


@pytest.mark.parametrize(
    ("hours", "expected", "seen"),
    [
        (49, "a newest event at most 2 days old", "2026-03-01T12:00+00:00, 2.042 days before the file arrived"),
        (47, None, None),
        (-0.5, None, None),
        (-3, "no event later than 1 hours after the arrival", "2026-03-01T12:00+00:00, 3 hours after the file arrived"),
    ],
)
def test_the_newest_event_is_neither_stale_nor_to_come(hours: float, expected: str | None, seen: str | None) -> None:
    context = Context(arrived=NEWEST + timedelta(hours=hours))
    findings = found(profile(), context, freshness={"max_age_hours": 48, "max_future_hours": 1})
    assert [(one.rule, one.column, one.expected, one.seen) for one in findings] == (
        [("freshness", "seen_at", expected, seen)] if expected else []
    )


def test_freshness_is_not_judged_without_a_time_of_arrival() -> None:
    assert found(profile(), Context(), freshness={"max_age_hours": 1}) == ()


# Label.


def test_a_class_that_is_rarer_than_agreed_is_named() -> None:
    (finding,) = found(profile(2000, {"false": 1990, "true": 10}), Context(), label={"min_share": 0.01})
    assert (finding.rule, finding.column) == ("label", "left")
    assert (finding.expected, finding.seen) == ("at least 1.00% of rows of each class", "0.50% 'true'")


def test_a_class_of_the_reference_that_is_absent_is_named_with_nought() -> None:
    context = Context(reference=profile(2000), reference_name="version 3's data")
    findings = found(profile(2000, {"false": 2000}), context, label={"min_share": 0.01, "max_shift": None})
    assert [finding.seen for finding in findings] == ["0.00% 'true'"]


def test_few_rows_may_lack_a_rare_class_by_chance() -> None:
    assert found(profile(900, {"false": 900}), Context(), label={"min_share": 0.01}) == ()


def test_a_balance_that_shifts_is_told_with_both_shares() -> None:
    context = Context(reference=profile(2000), reference_name="version 3's data")
    (finding,) = found(profile(1000, {"false": 800, "true": 200}), context)
    assert finding.seen == "20.0%"
    assert finding.expected == "'true' in 50.0% of rows, as in version 3's data, give or take 20.0%"


@pytest.mark.parametrize("left", [{"false": 690, "true": 310}, {"false": 9, "true": 1}])
def test_a_small_shift_or_one_of_few_rows_is_none(left: Mapping[str, int]) -> None:
    assert found(profile(sum(left.values()), left), Context(reference=profile(2000))) == ()


REGRESSION = {
    "task": "regression",
    "target": "months",
    "metric": {"name": "rmse"},
    "label": {"max_shift": 0.2, "severity": "refuse"},
}


def of_months(mean: float, rows: int = 1000) -> Profile:
    return Profile(rows, {"months": ColumnProfile(0, Numbers(rows, 0, 600, mean, rows * 50.0**2))})


@pytest.mark.parametrize(("mean", "seen"), [(220, "220, 0.40 standard deviations up"), (205, None)])
def test_the_mean_of_a_regression_is_compared_in_standard_deviations(mean: float, seen: str | None) -> None:
    context = Context(reference=of_months(200), reference_name="version 3's data")
    findings = found(of_months(mean), context, **REGRESSION)
    assert [(finding.seen, finding.severity) for finding in findings] == ([(seen, Severity.REFUSE)] if seen else [])


def test_drift_is_judged_against_the_same_reference() -> None:
    before, now = profile(1000), profile(1000)
    spend = {"spend": ColumnProfile(900)}
    context = Context(reference=Profile(1000, {**before.columns, "spend": ColumnProfile(0)}), reference_name="x")
    findings = found(Profile(1000, {**now.columns, **spend}), context)
    assert [(finding.rule, finding.column) for finding in findings] == [("drift", "spend")]
