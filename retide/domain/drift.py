"""How data differs from what the champion learned from: by the size of the effect, in words that name what moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from retide.domain import psi
from retide.domain.contract import Column, Contract
from retide.domain.profile import Categories, ColumnProfile, Profile
from retide.domain.verdict import Finding

MOST: Final = 20  # findings that are told one by one
SURE: Final = 10  # rows of a value that must be due before its absence means anything: chance does that once in e^10
ADVICE: Final = "If the world has changed, a retrain learns it; if not, look at what makes this file."


@dataclass(frozen=True, slots=True)
class Pair:
    """One column in the data at hand and in the reference; `rows` and `before` count the rows of each."""

    column: Column
    now: ColumnProfile
    reference: ColumnProfile
    rows: int
    before: int

    @property
    def shift(self) -> psi.Shift | None:
        """None where either side holds no values that can be compared, and for `pii`."""
        now, before = self.now, self.reference
        if self.column.pii:
            return None
        if now.categories and before.categories:
            return psi.of_categories(before.categories, now.categories)
        return psi.of_numbers(before.numbers, now.numbers) if now.numbers and before.numbers else None


@dataclass(frozen=True, slots=True)
class Drifted:
    """What moved in one column; `times` is its figure as a multiple of what is allowed."""

    column: str
    expected: str
    seen: str
    times: float
    rows: int = 0


def drift(profile: Profile, reference: Profile, contract: Contract, name: str) -> tuple[Finding, ...]:
    """What drifted from the reference, called `name`: the strongest first, of more than MOST the rest is counted.

    Nothing where either side has fewer rows than `drift.min_rows`: so few say too little. The columns of id and event
    time go on by their nature and are not compared, nor is the target, which the rule `label` looks at. Of `pii`
    columns only the missing rate is compared.
    """
    if min(profile.rows, reference.rows) < contract.drift.min_rows:
        return ()
    found = [one for pair in pairs(profile, reference, contract) for one in _drifted(pair, contract, name)]
    found.sort(key=lambda one: (-one.times, one.column))
    severity = contract.severity("drift")
    told = (Finding("drift", x.column, x.expected, x.seen, ADVICE, x.rows, severity=severity) for x in found[:MOST])
    rest = [Finding("drift", "", "no drift", _rest(found[MOST:]), ADVICE, severity=severity)] if found[MOST:] else []
    return (*told, *rest)


def pairs(profile: Profile, reference: Profile, contract: Contract) -> Iterator[Pair]:
    """The columns that can be compared; one that either side does not know is none of them."""
    apart = {contract.target, contract.event_time, *contract.id}
    for column in contract.columns:
        now, before = profile.columns.get(column.name), reference.columns.get(column.name)
        if column.name not in apart and now and before:
            yield Pair(column, now, before, profile.rows, reference.rows)


def _drifted(pair: Pair, contract: Contract, name: str) -> Iterator[Drifted]:
    limits = contract.drift
    yield from _index(pair, limits.psi, name)
    yield from _missing(pair, limits.missing, name)
    now, before = pair.now.categories, pair.reference.categories
    if pair.column.pii or not now or not before or before.others:
        return  # a reference that let values go cannot say which ones are new
    yield from _new(pair, now, before, limits.new_categories, name)
    if limits.vanished and not now.others:
        yield from _vanished(pair, now, before, name)


def _index(pair: Pair, limit: float | None, name: str) -> Iterator[Drifted]:
    shift = pair.shift
    if limit is None or shift is None or not shift.exceeds(limit):
        return
    expected = f"values spread as in {name} (PSI at most {limit:g})"
    seen = f"PSI {shift.excess:.2f} ({'; '.join(map(str, shift.moved))})"
    yield Drifted(pair.column.name, expected, seen, _times(shift.excess, limit))


def _missing(pair: Pair, limit: float | None, name: str) -> Iterator[Drifted]:
    """A change that sampling alone makes once in 16,000 cases (four standard deviations) is none."""
    before, now = pair.reference.nulls / pair.before, pair.now.nulls / pair.rows
    noise = 4 * math.sqrt(before * (1 - before) * (1 / pair.rows + 1 / pair.before))
    if limit is None or abs(now - before) <= max(limit, noise):
        return
    expected = f"no value in {before:.1%} of rows, as in {name}, give or take {limit:.1%}"
    yield Drifted(pair.column.name, expected, f"none in {now:.1%}", _times(abs(now - before), limit), pair.now.nulls)


def _new(pair: Pair, now: Categories, before: Categories, limit: float | None, name: str) -> Iterator[Drifted]:
    unknown = [item for item in now.top if item[0] not in before.counts]
    rows = sum(count for _, count in unknown)
    if limit is None or rows <= limit * pair.rows:
        return
    expected = f"values unknown to {name} in at most {limit:.1%} of rows"
    seen = f"{rows / pair.rows:.1%} ({_shares(unknown, pair.rows)})"
    yield Drifted(pair.column.name, expected, seen, _times(rows / pair.rows, limit), rows)


def _vanished(pair: Pair, now: Categories, before: Categories, name: str) -> Iterator[Drifted]:
    gone = [item for item in before.top if item[0] not in now.counts and item[1] * pair.rows >= SURE * pair.before]
    if gone:
        share = sum(count for _, count in gone) / pair.before
        expected = f"every value that is common in {name}"
        yield Drifted(pair.column.name, expected, f"no row with {_shares(gone, pair.before)}", 1 + share)


def _times(figure: float, limit: float) -> float:
    return figure / limit if limit else math.inf


def _shares(items: Iterable[tuple[str, int]], rows: int) -> str:
    """The first few values with their share of rows."""
    listed = [f"{value!r} {count / rows:.1%}" for value, count in items]
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return f"{', '.join(listed[:5])}{more}"


def _rest(found: list[Drifted]) -> str:
    columns = list(dict.fromkeys(one.column for one in found))
    return f"{len(found)} smaller ones, in {', '.join(columns[:5])}{' and others' if columns[5:] else ''}"
