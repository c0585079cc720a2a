"""What the list of runs says of how each of them ended."""

from __future__ import annotations

import pytest

from retide.cli.commands.runs import Decided, outcome
from retide.domain.ledger import Approval, Means, RunRecord, Standing
from retide.ports import Status

AWAITED = RunRecord("m-1-1", "arn", "ended", "2026-01-01", outcome="awaiting approval", package="arn:package/m/1")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.PENDING, "awaiting approval"),
        (Status.APPROVED, "approved since (console)"),
        (Status.REJECTED, "rejected since (console)"),
    ],
)
def test_a_run_awaits_approval_until_somebody_has_decided(status: Status, said: str) -> None:
    others = {"arn:package/m/2": Decided(Status.APPROVED)}
    assert outcome(AWAITED, {"arn:package/m/1": Decided(status), **others}) == said


@pytest.mark.parametrize("means", list(Means))
def test_how_it_was_decided_is_told_unless_the_registry_says_otherwise_since(means: Means) -> None:
    known = Approval(1, "arn:package/m/1", "m-1-1", "", Standing.APPROVED, means, "jane")
    told = f"approved since ({means.value})"
    assert outcome(AWAITED, {"arn:package/m/1": Decided(Status.APPROVED, known)}) == told
    assert outcome(AWAITED, {"arn:package/m/1": Decided(Status.REJECTED, known)}) == "rejected since (console)"


def test_a_run_whose_package_was_deleted_since_says_what_it_recorded() -> None:
    assert outcome(AWAITED, {}) == "awaiting approval"


def test_a_run_that_awaited_nobody_ended_as_it_says_and_one_under_way_runs() -> None:
    approved = {"arn:package/m/1": Decided(Status.REJECTED)}
    by_policy = RunRecord("m-1-1", "arn", "ended", "2026-01-01", outcome="approved", package="arn:package/m/1")

    assert outcome(by_policy, approved) == "approved"
    assert outcome(RunRecord("m-1-2", "arn", "running", "2026-01-01"), approved) == "running"
