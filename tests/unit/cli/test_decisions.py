"""Which package a person decides about."""

from __future__ import annotations

import pytest

from retide.cli.commands.decisions import consequence, find, parse_which, told
from retide.cli.failures import CliError, UsageProblem
from retide.domain.ledger import Approval, EndpointRecord, Means, Standing
from retide.ports import Status
from retide.steps.settle_approval import Settled, Settlement

VERSIONS = ((3, "arn:3", Status.APPROVED), (2, "arn:2", Status.PENDING), (1, "arn:1", Status.PENDING))


@pytest.mark.parametrize(
    ("which", "meant"), [("tumour", ("tumour", None)), ("tumour@3", ("tumour", 3)), ("a-b@v12", ("a-b", 12))]
)
def test_a_version_follows_the_at_sign(which: str, meant: tuple[str, int | None]) -> None:
    assert parse_which(which) == meant


@pytest.mark.parametrize("which", ["tumour@", "tumour@x", "tumour@-1", "tumour@0", "tumour@1.5", "tumour@²"])
def test_what_is_no_version_is_refused_with_an_example(which: str) -> None:
    with pytest.raises(UsageProblem, match="tumour@3"):
        parse_which(which)


def test_without_a_version_the_newest_that_waits_is_meant() -> None:
    assert find(VERSIONS, "tumour", None) == VERSIONS[1]


def test_a_version_is_found_whatever_its_state() -> None:
    assert find(VERSIONS, "tumour", 3) == VERSIONS[0]


@pytest.mark.parametrize(
    ("versions", "wanted", "said"),
    [
        (VERSIONS, 9, r"no version 9; versions: 3 \(Approved\), 2"),
        (VERSIONS[:1], None, "no version that waits"),
        ((), None, "none yet"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    versions: tuple[tuple[int, str, Status], ...], wanted: int | None, said: str
) -> None:
    with pytest.raises(CliError, match=said):
        find(versions, "tumour", wanted)


@pytest.mark.parametrize(
    ("version", "status", "said"),
    [
        (4, Status.APPROVED, ""),
        (3, Status.APPROVED, ""),
        (2, Status.APPROVED, "version 3, which is newer, was deployed"),
        (1, Status.APPROVED, "withdrawn"),
        (3, Status.REJECTED, "goes on serving until a newer version"),
        (4, Status.REJECTED, ""),
    ],
)
def test_a_decision_that_does_not_do_what_it_seems_to_says_so(version: int, status: Status, said: str) -> None:
    stands = EndpointRecord(version=3, withdrawn=(1,))
    assert said in consequence(version, status, stands)
    assert bool(said) == bool(consequence(version, status, stands))


def test_who_comes_second_is_told_who_was_first_and_how() -> None:
    expired = Approval(2, "arn:2", "m-1-1", "", Standing.REJECTED, Means.EXPIRY, "the clock", "nobody approved it")
    with pytest.raises(CliError, match=r"rejected by the clock \(expiry\) a moment ago: nothing was changed"):
        told("tumour", 2, Status.PENDING, Settlement(Settled.OVERTAKEN, expired))


def test_a_decision_is_told_with_what_it_changed() -> None:
    made = Approval(2, "arn:2", "m-1-1", "", Standing.APPROVED, Means.COMMAND, "jane")
    said = told("tumour", 2, Status.PENDING, Settlement(Settled.DECIDED, made))
    assert said == "tumour version 2 is now Approved (it was PendingManualApproval)"
    assert told("tumour", 2, Status.APPROVED, Settlement(Settled.KNOWN, made)).endswith("is Approved already")
