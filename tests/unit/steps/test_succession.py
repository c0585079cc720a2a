"""Erasure and duplicates: where the accepted copy of rows is deleted, the one that is still there takes its place."""

from __future__ import annotations

import itertools

import pytest

from retide.domain.accounting import balance
from retide.domain.layout import RunId
from retide.domain.ledger import AcceptedObject, ClaimedObject, ObjectState
from tests.unit.steps.interrupted import Interrupted
from tests.unit.steps.world import World, deleted_event

RUN = RunId("m", 1, 1)


def judged(world: World, files: int) -> tuple[ClaimedObject, ...]:
    """As many files with the same rows, of which the first is accepted."""
    for number in range(files):
        world.dispatch(world.put(f"incoming/m/{number}.csv"))
    fence = world.claim().fence
    found = world.ledger.claimed(RUN).objects
    for item in found:
        accept(world, fence, item)
    return found


def accept(world: World, fence: int, item: ClaimedObject) -> ObjectState:
    times = ("2026-01-01", "2026-01-02")
    return world.ledger.accept(RUN, fence, item.id, curated="s", rows=7, verdict=f"verdict of {item.key}", events=times)


def erase(world: World, item: ClaimedObject) -> None:
    world.dispatch(deleted_event(item.key, item.version))


def test_a_duplicate_takes_the_place_of_the_accepted_object_that_is_deleted(world: World) -> None:
    first, second, _ = judged(world, 3)
    erase(world, first)
    (taken,) = world.ledger.accepted("m")
    record = world.ledger.object("m", second.id)
    assert record
    assert taken == AcceptedObject(
        second.id, second.key, second.version, "s", 7, f"verdict of {second.key}", second.arrived_at,
        "2026-01-01", "2026-01-02", record.sequencer,
    )  # fmt: skip
    assert list(world.states().values()) == ["accepted", "accepted", "duplicate"]
    assert balance(world.ledger.books("m")).problems == ()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_in_whatever_order_copies_are_deleted_the_rows_stay_exactly_as_long_as_one_is_there(
    world: World, order: tuple[int, ...]
) -> None:
    files = judged(world, 3)
    for count, place in enumerate(order, start=1):
        erase(world, files[place])
        left = {files[number].id for number in order[count:]}
        assert len(world.ledger.accepted("m")) == min(1, len(left))
        assert {item.id for item in world.ledger.accepted("m")} <= left
        assert balance(world.ledger.books("m")).problems == ()


def test_the_same_rows_sent_after_a_succession_are_a_duplicate_of_the_heir(world: World) -> None:
    first, second = judged(world, 2)
    world.dispatch(world.put("incoming/m/2.csv"))
    erase(world, first)
    world.release("kept", "m-1-1", world.ledger.head("m").token)
    world.dispatch(world.put("incoming/m/3.csv"))
    fence = world.claim(2, 1).fence
    run = RunId("m", 2, 1)
    for item in world.ledger.claimed(run).objects:
        assert world.ledger.accept(run, fence, item.id, curated="s", rows=7, verdict="v") == "duplicate"
    assert [item.id for item in world.ledger.accepted("m")] == [second.id]


def test_a_duplicate_that_is_judged_while_the_accepted_copy_is_deleted_is_not_forgotten(world: World) -> None:
    """Between the look at the copies and the write of the deletion, another copy ends as a duplicate."""
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/m/b.csv"))
    fence = world.claim().fence
    first, second = world.ledger.claimed(RUN).objects
    accept(world, fence, first)
    said: list[ObjectState] = []

    def in_between() -> None:
        said.append(accept(world, fence, second))

    world.table.before_write = in_between
    world.ledger.erase("m", first.id)
    assert said == [ObjectState.DUPLICATE]
    assert [item.id for item in world.ledger.accepted("m")] == [second.id]


def test_an_heir_that_is_deleted_in_the_same_moment_is_none(world: World) -> None:
    first, second = judged(world, 2)

    def in_between() -> None:
        world.ledger.erase("m", second.id)

    world.table.before_write = in_between
    world.ledger.erase("m", first.id)
    assert world.ledger.accepted("m") == ()
    assert balance(world.ledger.books("m")).problems == ()


@pytest.mark.parametrize("call", range(1, 6))
def test_rows_are_not_lost_whenever_the_accepted_copy_is_deleted_while_another_is_judged(call: int) -> None:
    table = Interrupted()
    world = World(table=table)
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/m/b.csv"))
    fence = world.claim().fence
    first, second = world.ledger.claimed(RUN).objects
    accept(world, fence, first)
    table.at(call, lambda: erase(world, first))
    accept(world, fence, second)
    table.end()
    assert [item.id for item in world.ledger.accepted("m")] == [second.id]
    assert balance(world.ledger.books("m")).problems == ()


@pytest.mark.parametrize("call", range(1, 6))
def test_rows_are_not_taken_twice_whenever_another_copy_is_judged_at_the_same_time(call: int) -> None:
    table = Interrupted()
    world = World(table=table)
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/m/b.csv"))
    fence = world.claim().fence
    first, second = world.ledger.claimed(RUN).objects
    table.at(call, lambda: accept(world, fence, second))
    accept(world, fence, first)
    table.end()
    assert sorted(world.states().values()) == ["accepted", "duplicate"]
    assert len(world.ledger.accepted("m")) == 1
    assert balance(world.ledger.books("m")).problems == ()
