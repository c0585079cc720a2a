"""What the list of runs says of how each of them ended."""

from __future__ import annotations

import pytest

from retide.cli.commands.runs import outcome
from retide.domain.ledger import RunRecord
from retide.ports import Status

AWAITED = RunRecord("m-1-1", "arn", "ended", "2026-01-01", outcome="awaiting approval", package="arn:package/m/1")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.PENDING, "awaiting approval"),
        (Status.APPROVED, "approved since"),
        (Status.REJECTED, "rejected since"),
    ],
)
def test_a_run_awaits_approval_until_somebody_has_decided(status: Status, said: str) -> None:
    assert outcome(AWAITED, {"arn:package/m/1": status, "arn:package/m/2": Status.APPROVED}) == said


def test_a_run_whose_package_was_deleted_since_says_what_it_recorded() -> None:
    assert outcome(AWAITED, {}) == "awaiting approval"


def test_a_run_that_awaited_nobody_ended_as_it_says_and_one_under_way_runs() -> None:
    approved = {"arn:package/m/1": Status.REJECTED}
    by_policy = RunRecord("m-1-1", "arn", "ended", "2026-01-01", outcome="approved", package="arn:package/m/1")

    assert outcome(by_policy, approved) == "approved"
    assert outcome(RunRecord("m-1-2", "arn", "running", "2026-01-01"), approved) == "running"
