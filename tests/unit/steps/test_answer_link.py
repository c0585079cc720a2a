"""A link decides once, until it expires, for whoever holds it; altered, replayed or late it decides nothing."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from datetime import timedelta
from string import ascii_letters, digits
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.answer_link.page import STATUSES, page
from retide.domain.approval_link import NoTicket, Ticket, from_token, to_token
from retide.domain.ledger import Approval, Means, Standing
from retide.ports import Status
from retide.steps.answer_link import Answering, LinkAnswer, LinkRequest, Outcome, answer_link
from tests.fakes import FakeSeals
from tests.unit.steps.test_approvals import ARN, approval, decide, pass_hours, waiting
from tests.unit.steps.world import STAGE, World


@pytest.fixture
def world() -> World:
    return waiting()


def links(world: World) -> tuple[str, str]:
    """The tokens to approve and to reject, as a notice has them."""
    (found,) = world.ledger.open_approvals("m")
    lines = world.links.of("m", found, world.parsed)
    approve, reject = (parse_qs(urlsplit(line.split()[-1]).query)["token"][0] for line in lines)
    return approve, reject


def follow(world: World, token: str, *, decide: bool = True, stage: str = STAGE) -> LinkAnswer:
    parts = Answering(world.ledger, world.registry, world.seals, world.clock, stage)
    return answer_link(LinkRequest(token, decide, "192.0.2.1"), parts)


def test_the_notice_of_a_run_that_waits_has_a_link_for_each_decision() -> None:
    world = World()
    world.contract["policy"] = {"min_rows": 50, "approval": "manual"}
    world.dispatch(world.put())
    world.run_to_package()
    ((_, text),) = world.notices.published
    assert len(re.findall(r"https://links\.example/approval\?token=\S+", text)) == 2


def test_a_run_that_policy_approves_sends_no_link() -> None:
    world = World()
    world.dispatch(world.put())
    world.run_to_package()
    assert all("token=" not in text for _, text in world.notices.published)


def test_looking_changes_nothing_however_often_and_answering_decides(world: World) -> None:
    token, _ = links(world)
    for _ in range(3):
        assert follow(world, token, decide=False).outcome is Outcome.ASKED
    assert world.registry.describe(ARN).status is Status.PENDING
    assert follow(world, token).outcome is Outcome.DECIDED
    assert world.registry.describe(ARN).status is Status.APPROVED
    found = approval(world)
    assert (found.means, found.by) == (Means.LINK, "who held the link, at 192.0.2.1")


def test_a_link_decides_once(world: World) -> None:
    approve, reject = links(world)
    follow(world, approve)
    assert follow(world, approve).outcome is Outcome.KNOWN
    assert follow(world, reject).outcome is Outcome.OVERTAKEN
    assert world.registry.describe(ARN).status is Status.APPROVED


def test_a_link_does_not_come_back_to_life_when_the_decision_is_taken_back(world: World) -> None:
    approve, _ = links(world)
    follow(world, approve)
    decide(world, Standing.REJECTED, revise=True)
    assert follow(world, approve).outcome is Outcome.OVERTAKEN
    assert world.registry.describe(ARN).status is Status.REJECTED


def test_a_link_expires_with_the_approval(world: World) -> None:
    token, _ = links(world)
    pass_hours(world, 168)
    assert follow(world, token).outcome is Outcome.EXPIRED
    world.reconcile()
    assert follow(world, token).outcome is Outcome.OVERTAKEN


def test_where_approvals_never_expire_links_do() -> None:
    world = waiting(expire_after_hours=0)
    token, _ = links(world)
    world.clock.time += timedelta(days=7)
    assert follow(world, token).outcome is Outcome.EXPIRED


def test_a_version_that_a_newer_one_has_overtaken_is_not_approved(world: World) -> None:
    approve, reject = links(world)
    world.dispatch(world.put("incoming/m/b.csv", b"y"))
    world.run_to_package("d2", champion=None)
    world.deploy(2)
    assert follow(world, approve).outcome is Outcome.SUPERSEDED
    assert follow(world, reject).outcome is Outcome.DECIDED


def test_a_version_that_is_gone_is_said_to_be(world: World) -> None:
    token, _ = links(world)
    world.registry.packages.clear()
    assert follow(world, token).outcome is Outcome.GONE


def test_a_link_of_another_stage_or_another_key_is_none(world: World) -> None:
    token, _ = links(world)
    assert follow(world, token, stage="prod").outcome is Outcome.INVALID
    world.seals = FakeSeals(b"x" * 32)
    assert follow(world, token).outcome is Outcome.INVALID


@given(place=st.integers(0, 10_000), change=st.characters(codec="ascii"))
def test_a_link_that_was_altered_anywhere_is_none(place: int, change: str) -> None:
    token, _ = TOKENS
    at = place % len(token)
    altered = token[:at] + change + token[at + 1 :]
    assert altered == token or follow(WORLD, altered).outcome is Outcome.INVALID


@pytest.mark.parametrize("last", ascii_letters + digits + "-_")
def test_a_seal_has_one_spelling_though_base64_ignores_the_last_bits(last: str) -> None:
    token, _ = TOKENS
    assert token.endswith(last) or follow(WORLD, token[:-1] + last).outcome is Outcome.INVALID


@given(st.text(max_size=900))
def test_whatever_comes_instead_of_a_link_is_answered_as_none(text: str) -> None:
    assert follow(WORLD, text).outcome is Outcome.INVALID


def test_nothing_that_the_key_signs_otherwise_passes_as_a_link(world: World) -> None:
    ticket = Ticket(STAGE, "m", 1, Standing.APPROVED, 2**31)
    assert follow(world, to_token(ticket, world.seals.make(ticket.text.encode()))).outcome is Outcome.INVALID
    assert follow(world, to_token(ticket, world.seals.make(ticket.message))).outcome is Outcome.DECIDED


@pytest.mark.parametrize("text", ["{}", "[" * 400, '{"stage":"dev"}', "\x00"])
def test_a_text_that_is_no_ticket_is_told_apart_from_one(text: str) -> None:
    with pytest.raises(NoTicket):
        from_token(f"{urlsafe_b64encode(text.encode()).rstrip(b'=').decode()}.{'A' * 43}")


# The page.


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_page_of_its_own_and_only_a_question_has_a_button(world: World, outcome: Outcome) -> None:
    ticket = Ticket(STAGE, "m", 1, Standing.APPROVED, 2**31)
    stands = Approval(1, ARN, "m-1-1", "", Standing.REJECTED, Means.CONSOLE, "<b>jane</b>", "", "2026-01-01T00:00:00")
    found = LinkAnswer(outcome, ticket, world.registry.describe(ARN), stands, 2)
    text = page(found)
    assert outcome in STATUSES
    assert ("<form method=post>" in text) is (outcome is Outcome.ASKED)
    assert "<b>" not in text
    assert "<script" not in text


def test_the_page_of_what_is_no_link_says_nothing_of_the_stage() -> None:
    text = page(follow(WORLD, "<script>alert(1)</script>"))
    assert "script" not in text
    assert STAGE not in re.sub(r"<meta[^>]*>", "", text)


WORLD = waiting()
TOKENS = links(WORLD)
