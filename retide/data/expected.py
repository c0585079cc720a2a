"""What the profile of a file says against it, whatever its rows: missing shares, a target of one value, its context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from retide.data.findings import warning
from retide.data.statistics import public
from retide.domain.context import Context
from retide.domain.contract import Contract, Task
from retide.domain.expectations import context_findings
from retide.domain.profile import Profile
from retide.domain.verdict import Finding

SHARE_FROM_ROWS: Final = 10  # below, one missing cell is a large share of nothing


def expected(profile: Profile, spoilt: frozenset[str], contract: Contract, context: Context) -> tuple[Finding, ...]:
    """In the columns of `spoilt`, NULL says nothing."""
    shown = public(profile, contract)
    return (
        *_missing(profile, spoilt, contract),
        *_one_sided(profile, contract),
        *context_findings(shown, contract, context),
    )


def no_rows() -> Finding:
    return Finding(
        "rows", "", "at least one row of data", "only a header", "Send the file again; the export was empty."
    )


def _missing(profile: Profile, spoilt: frozenset[str], contract: Contract) -> Iterator[Finding]:
    for column in contract.columns:
        nulls, most = profile.columns[column.name].nulls, contract.max_missing(column.name)
        few = profile.rows < SHARE_FROM_ROWS
        if column.nullable and column.name not in spoilt and not few and nulls > most * profile.rows:
            seen = "no value in any row" if nulls == profile.rows else f"{nulls / profile.rows:.0%} missing"
            advice = "Find out why they are not delivered any more; if that is right, raise max_missing."
            severity = contract.severity("missing", column.name)
            yield Finding("missing", column.name, f"at most {most:.0%} missing", seen, advice, nulls, severity=severity)


def _one_sided(profile: Profile, contract: Contract) -> Iterator[Finding]:
    """A file of one class may be honest, so it only warns; that a dataset has no second class is decided later."""
    target = profile.columns[contract.target]
    if contract.task is Task.CLASSIFICATION and target.categories and len(target.categories.counts) == 1:
        (only,) = target.categories.counts
        yield _monotone(contract.target, "two classes or more", f"{only!r} in every row")
    elif target.numbers and target.numbers.minimum == target.numbers.maximum and profile.rows > 1:
        yield _monotone(contract.target, "values that differ", f"{target.numbers.minimum:g} in every row")


def _monotone(target: str, wanted: str, seen: str) -> Finding:
    return warning("target", target, wanted, seen, "Check that the export was not filtered by its result.")
