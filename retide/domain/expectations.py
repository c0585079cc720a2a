"""What an object is expected to be in the light of those before it: its size, its age, its label and its drift."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from typing import Final

from retide.domain.context import Context
from retide.domain.contract import Contract, Task
from retide.domain.drift import drift
from retide.domain.profile import ColumnProfile, Profile
from retide.domain.verdict import Finding

FEW: Final = 3  # accepted objects, before their median says what is usual
SURE: Final = 10  # rows of a class that must be due before too few of them mean anything
HOUR: Final = 3600.0


def context_findings(profile: Profile, contract: Contract, context: Context) -> tuple[Finding, ...]:
    """What stands out against the context; of what the context does not know, nothing is said."""
    return (
        *rows(profile, contract, context),
        *freshness(profile, contract, context),
        *_against(profile, contract, context),
    )


def _against(profile: Profile, contract: Contract, context: Context) -> Iterator[Finding]:
    name = context.reference_name or "the reference"
    yield from label(profile, contract, context.reference, name)
    if context.reference is not None:
        yield from drift(profile, context.reference, contract, name)


def rows(profile: Profile, contract: Contract, context: Context) -> Iterator[Finding]:
    """The contract's own bounds, and the median of the objects accepted last: from FEW of them on."""
    rule, seen = contract.rows, profile.rows
    if rule.minimum is not None and seen < rule.minimum:
        yield _rows(contract, f"at least {rule.minimum} rows", seen, "cut short?")
    if rule.maximum is not None and seen > rule.maximum:
        yield _rows(contract, f"at most {rule.maximum} rows", seen, "exported twice?")
    recent = context.recent_rows[: rule.last]
    if len(recent) < FEW:
        return
    usual = median(recent)
    words = f"the median ({usual:g}) of the last {len(recent)} objects"
    if rule.fall is not None and seen < rule.fall * usual:
        yield _rows(contract, f"at least {rule.fall * usual:g} rows, {rule.fall:g} times {words}", seen, "cut short?")
    if rule.rise is not None and seen > rule.rise * usual:
        yield _rows(
            contract, f"at most {rule.rise * usual:g} rows, {rule.rise:g} times {words}", seen, "exported twice?"
        )


def _rows(contract: Contract, expected: str, seen: int, suspicion: str) -> Finding:
    advice = f"Was the export {suspicion} If the size is right, change `rows` in the contract."
    return Finding("rows", "", expected, f"{seen} rows", advice, severity=contract.severity("rows"))


def freshness(profile: Profile, contract: Contract, context: Context) -> Iterator[Finding]:
    """The newest event against the time of arrival: long before it is stale, after it is impossible."""
    name, rule = contract.event_time or "", contract.freshness
    times = profile.columns[name].numbers if name in profile.columns else None
    if times is None or context.arrived is None:
        return
    age = (context.arrived.timestamp() - times.maximum) / HOUR
    seen = f"{_time(times.maximum)}, {_hours(abs(age))} {'before' if age >= 0 else 'after'} the file arrived"
    severity = contract.severity("freshness")
    if rule.max_age_hours is not None and age > rule.max_age_hours:
        expected = f"a newest event at most {_hours(rule.max_age_hours)} old"
        yield Finding("freshness", name, expected, seen, "Is this an old export?", severity=severity)
    if rule.max_future_hours is not None and -age > rule.max_future_hours:
        expected = f"no event later than {_hours(rule.max_future_hours)} after the arrival"
        yield Finding("freshness", name, expected, seen, "Look at the sender's clock and time zone.", severity=severity)


def label(profile: Profile, contract: Contract, reference: Profile | None, name: str) -> Iterator[Finding]:
    """What is to be predicted: each class is there, and its share, or the mean, is that of the reference."""
    now = profile.columns.get(contract.target)
    before = reference.columns.get(contract.target) if reference else None
    if now is None:
        return
    if contract.task is Task.CLASSIFICATION:
        yield from _classes(now, before, contract)
        yield from _balance(now, before, contract, name)
    elif before is not None:
        yield from _mean(now, before, contract, name)


def _classes(now: ColumnProfile, before: ColumnProfile | None, contract: Contract) -> Iterator[Finding]:
    """Only where the least share would make SURE rows: fewer of them may well be chance."""
    least, shares = contract.label.min_share, _shares(now)
    if least is None or _counted(now) * least < SURE:
        return
    known = dict.fromkeys((*_declared(contract), *(_shares(before) if before else ()), *shares))
    if rare := [f"{shares.get(value, 0):.2%} {value!r}" for value in known if shares.get(value, 0) < least]:
        yield _label(contract, f"at least {least:.2%} of rows of each class", ", ".join(rare))


def _balance(now: ColumnProfile, before: ColumnProfile | None, contract: Contract, name: str) -> Iterator[Finding]:
    """The class that moved most; a change within four standard deviations of sampling is none."""
    limit, shares, known = contract.label.max_shift, _shares(now), _shares(before) if before else {}
    if limit is None or not shares or not known or before is None:
        return
    worst = max({*known, *shares}, key=lambda value: (round(abs(shares.get(value, 0) - known.get(value, 0)), 9), value))
    old, new = known.get(worst, 0), shares.get(worst, 0)
    noise = 4 * math.sqrt(old * (1 - old) * (1 / _counted(now) + 1 / _counted(before)))
    if abs(new - old) > max(limit, noise):
        expected = f"{worst!r} in {old:.1%} of rows, as in {name}, give or take {limit:.1%}"
        yield _label(contract, expected, f"{new:.1%}")


def _mean(now: ColumnProfile, before: ColumnProfile, contract: Contract, name: str) -> Iterator[Finding]:
    """In standard deviations of the reference; a change within four standard errors is none."""
    limit, old, new = contract.label.max_shift, before.numbers, now.numbers
    if limit is None or old is None or new is None or not old.m2 or old.mean is None or new.mean is None:
        return
    spread = math.sqrt(old.m2 / old.count)
    step = (new.mean - old.mean) / spread
    if abs(step) > max(limit, 4 * math.sqrt(1 / new.count + 1 / old.count)):
        expected = f"a mean within {limit:g} standard deviations ({spread:.4g}) of {old.mean:.4g}, that of {name}"
        yield _label(
            contract, expected, f"{new.mean:.4g}, {abs(step):.2f} standard deviations {'up' if step > 0 else 'down'}"
        )


def _label(contract: Contract, expected: str, seen: str) -> Finding:
    advice = "Was the file filtered or sorted before it was cut, or does the label mean something else now?"
    return Finding("label", contract.target, expected, seen, advice, severity=contract.severity("label"))


def _declared(contract: Contract) -> tuple[str, ...]:
    return contract.column(contract.target).values


def _shares(column: ColumnProfile) -> dict[str, float]:
    if column.categories is None:
        return {}
    return {value: count / _counted(column) for value, count in column.categories.counts.items()}


def _counted(column: ColumnProfile) -> int:
    """Rows with a label."""
    found = column.categories
    return sum(found.counts.values()) + found.others if found else 0


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="minutes")


def _hours(hours: float) -> str:
    return f"{hours:.4g} hours" if hours < 48 else f"{hours / 24:.4g} days"
