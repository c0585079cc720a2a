"""Approvals: of all who decide about a version one wins, whoever dies; one reminder, one expiry, and each is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.ledger import Approval, Means, Standing
from retide.ports import Status
from retide.steps.settle_approval import STANDINGS, Decision, Settled, Settlement, settle_approval, stands
from tests.unit.steps.world import World

ARN = World.arn(1)


@pytest.fixture
def world() -> World:
    return waiting()


def waiting(**policy: int) -> World:
    world = World()
    world.contract["policy"] = {"min_rows": 50, "approval": "manual", **policy}
    world.dispatch(world.put())
    world.run_to_package()
    world.notices.published.clear()
    return world


def decide(world: World, standing: Standing, means: Means = Means.COMMAND, *, revise: bool = False) -> Settlement:
    decision = Decision("m", 1, ARN, standing, means, "jane", "because", revise=revise)
    return settle_approval(decision, ledger=world.ledger, registry=world.registry)


def approval(world: World) -> Approval:
    found = world.ledger.approval("m", 1)
    assert found
    return found


def pass_hours(world: World, hours: float) -> None:
    world.clock.time += timedelta(hours=hours)


def subjects(world: World) -> list[str]:
    return [subject for subject, _ in world.notices.published]


def void(_value: object) -> None:
    """For a hook that gives nothing back."""


# Who decides.


def test_what_policy_decides_is_recorded_as_such() -> None:
    world = World()
    world.dispatch(world.put())
    world.run_to_package()
    found = approval(world)
    assert (found.standing, found.means, found.by) == (Standing.APPROVED, Means.POLICY, "the contract")
    assert world.ledger.open_approvals("m") == ()


def test_a_version_that_waits_is_open_until_it_is_decided(world: World) -> None:
    (found,) = world.ledger.open_approvals("m")
    assert (found.version, found.standing, found.run) == (1, Standing.AWAITING, "m-1-1")
    assert decide(world, Standing.APPROVED).settled is Settled.DECIDED
    assert world.registry.describe(ARN).status is Status.APPROVED
    assert world.ledger.open_approvals("m") == ()
    assert str(approval(world)) == "approved by jane (command line)"


def test_the_same_decision_twice_is_one_and_the_other_is_told_of_the_first(world: World) -> None:
    decide(world, Standing.APPROVED)
    assert decide(world, Standing.APPROVED, Means.LINK).settled is Settled.KNOWN
    late = decide(world, Standing.REJECTED, Means.LINK)
    assert (late.settled, late.stands.means) == (Settled.OVERTAKEN, Means.COMMAND)
    assert world.registry.describe(ARN).status is Status.APPROVED


def test_a_person_may_change_what_was_decided(world: World) -> None:
    decide(world, Standing.REJECTED)
    assert decide(world, Standing.APPROVED, revise=True).settled is Settled.DECIDED
    assert world.registry.describe(ARN).status is Status.APPROVED


@pytest.mark.parametrize("first", [Standing.APPROVED, Standing.REJECTED])
def test_of_two_who_decide_at_the_same_time_one_wins_and_the_other_is_told(world: World, first: Standing) -> None:
    second = Standing.REJECTED if first is Standing.APPROVED else Standing.APPROVED
    world.table.before_write = lambda: void(decide(world, first, Means.LINK))
    found = decide(world, second)
    assert (found.settled, found.stands.means) == (Settled.OVERTAKEN, Means.LINK)
    assert STANDINGS[world.registry.describe(ARN).status] is first


def test_what_a_person_decides_in_the_console_counts_and_is_written_down(world: World) -> None:
    world.registry.judge(ARN, Status.APPROVED, "looks good")
    assert world.reconcile().acts[-1].startswith("m: version 1 is approved by somebody whom AWS does not name (console")
    found = approval(world)
    assert (found.means, found.reason) == (Means.CONSOLE, "looks good")
    assert decide(world, Standing.REJECTED, Means.EXPIRY).settled is Settled.OVERTAKEN


def test_what_is_put_back_to_pending_waits_anew(world: World) -> None:
    decide(world, Standing.REJECTED)
    world.registry.judge(ARN, Status.PENDING, "")
    pass_hours(world, 200)
    assert stands("m", world.registry.describe(ARN), world.ledger).standing is Standing.AWAITING
    assert world.reconcile().acts == ()
    assert decide(world, Standing.APPROVED).settled is Settled.DECIDED


def test_a_version_from_before_there_were_records_can_be_decided(world: World) -> None:
    world.ledger.forget_results("m")
    assert decide(world, Standing.APPROVED).settled is Settled.DECIDED
    assert approval(world).means is Means.COMMAND


def test_a_package_that_somebody_deleted_waits_no_more(world: World) -> None:
    world.registry.packages.clear()
    assert "rejected" in world.reconcile().acts[0]
    assert world.reconcile().acts == ()


# The clock.


def test_who_is_to_approve_is_reminded_once_with_links(world: World) -> None:
    pass_hours(world, 23)
    assert world.reconcile().acts == ()
    pass_hours(world, 2)
    assert world.reconcile().acts[0].startswith("m: reminded of version 1, which waits for approval since 2026-01-01")
    ((subject, text),) = world.notices.published
    assert subject == "dev: m version 1 still waits for approval"
    assert "Approve: https://links.example/approval?token=" in text
    assert "rejected 2026-01-08" in text
    pass_hours(world, 30)
    assert world.reconcile().acts == ()
    assert len(world.notices.published) == 1


def test_what_nobody_approves_is_rejected_once_and_people_are_told(world: World) -> None:
    pass_hours(world, 169)
    assert world.reconcile().acts == ("m: version 1 is rejected by the clock (expiry)",)
    assert world.registry.describe(ARN).status is Status.REJECTED
    assert world.registry.describe(ARN).reason == "nobody approved it within 168 hours"
    assert subjects(world) == ["dev: m version 1 rejected: nobody approved it"]
    assert world.reconcile().acts == ()
    assert len(subjects(world)) == 1
    assert decide(world, Standing.APPROVED, revise=True).settled is Settled.DECIDED


def test_zero_hours_mean_never() -> None:
    world = waiting(remind_after_hours=0, expire_after_hours=0)
    pass_hours(world, 24 * 365)
    assert world.reconcile().acts == ()
    assert world.notices.published == []


@pytest.mark.parametrize("dies_after", range(5))
@pytest.mark.parametrize("hours", [25, 169])
def test_a_reconciler_that_dies_while_it_reminds_or_expires_is_completed_by_the_next(
    hours: int, dies_after: int
) -> None:
    world = waiting()
    pass_hours(world, hours)
    die_after(world, dies_after, world.reconcile)
    world.reconcile()
    world.reconcile()
    settled = Status.REJECTED if hours == 169 else Status.PENDING
    assert world.registry.describe(ARN).status is settled
    told = [subject for subject in subjects(world) if "version 1" in subject]
    assert len(told) in (1, 2)  # twice at most, for who died before it was written down
    assert len(world.ledger.open_approvals("m")) == (settled is Status.PENDING)
    assert world.reconcile().acts == ()


def test_a_notice_that_cannot_go_out_goes_out_the_next_time(world: World) -> None:
    pass_hours(world, 169)
    world.notices.broken = True
    with pytest.raises(ConnectionError):
        world.reconcile()
    world.notices.broken = False
    world.reconcile()
    assert subjects(world).count("dev: m version 1 rejected: nobody approved it") == 1
    assert world.ledger.open_approvals("m") == ()


@pytest.mark.parametrize("dies_after", range(3))
def test_a_person_who_dies_half_way_through_is_completed_by_the_reconciler(world: World, dies_after: int) -> None:
    die_after(world, dies_after, lambda: decide(world, Standing.APPROVED))
    world.reconcile()
    decided = approval(world).standing is Standing.APPROVED
    assert (world.registry.describe(ARN).status is Status.APPROVED) is decided
    assert len(world.ledger.open_approvals("m")) == (not decided)


def die_after(world: World, writes: int, act: Callable[[], object]) -> None:
    """Let so many writes to the ledger happen, and kill whoever comes to the next."""
    made = 0

    def count() -> None:
        nonlocal made
        world.table.before_write = count
        made += 1
        if made > writes:
            raise ConnectionError("killed")

    world.table.before_write = count
    with suppress(ConnectionError):
        act()
    world.table.before_write = lambda: None


MOVES = st.sampled_from(["approve", "reject", "link", "console", "expire", "day", "reconcile", "killed"])


@settings(max_examples=60, deadline=None)
@given(st.lists(MOVES, min_size=1, max_size=10))
def test_whatever_people_and_the_clock_do_ledger_and_registry_come_to_say_the_same(moves: list[str]) -> None:
    world = waiting()
    for move in moves:
        _move(world, move)
    world.reconcile()
    found, told = approval(world), world.registry.describe(ARN)
    assert STANDINGS[told.status] is stands("m", told, world.ledger).standing
    waits = told.status is Status.PENDING
    assert len(world.ledger.open_approvals("m")) == waits
    assert subjects(world).count("dev: m version 1 still waits for approval") <= 1
    expired = subjects(world).count("dev: m version 1 rejected: nobody approved it")
    assert expired <= 1 + moves.count("killed")
    assert expired or found.means is not Means.EXPIRY


def _move(world: World, move: str) -> None:
    if move == "approve":
        decide(world, Standing.APPROVED, revise=True)
    elif move == "reject":
        decide(world, Standing.REJECTED)
    elif move == "link":
        decide(world, Standing.APPROVED, Means.LINK)
    elif move == "console":
        world.registry.judge(ARN, Status.APPROVED, "in the console")
    elif move == "killed":
        die_after(world, 1, world.reconcile)
    elif move == "reconcile":
        world.reconcile()
    else:
        pass_hours(world, 170 if move == "expire" else 24)
