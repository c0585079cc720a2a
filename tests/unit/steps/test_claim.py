"""Claim: one holder at a time, whatever dies, and nothing that waits is left behind."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from retide.domain.layout import RunId
from retide.domain.sizes import Bounds
from retide.ports import Fenced, Machine
from tests.unit.steps.world import CONTRACT, World, version_of, wish

COLUMNS = {"age": {"type": "integer"}, "ill": {"type": "category", "values": ["no", "yes"]}}


def test_a_run_claims_all_that_waits_in_the_order_of_arrival(world: World) -> None:
    world.dispatch(world.put("incoming/m/b.csv"), world.put("incoming/m/a.csv"), wish("k1"))
    result = world.claim()
    assert (result.outcome, len(result.objects), result.causes) == ("claimed", 2, ("data", "person"))
    claimed = world.ledger.claimed(RunId("m", 1, 1))
    assert [(item.key, item.state) for item in claimed.objects] == [
        ("incoming/m/b.csv", "claimed"),
        ("incoming/m/a.csv", "claimed"),
    ]
    assert claimed.causes == ("person",)


def test_claiming_twice_by_the_same_execution_is_claiming_once(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    first = world.claim()
    world.dispatch(world.put("incoming/m/late.csv"))
    assert world.claim() == first
    assert world.states()["incoming/m/late.csv"] == "pending"


def test_a_second_execution_loses_while_the_first_one_runs(world: World) -> None:
    world.dispatch(world.put())
    world.claim()
    assert world.ledger.next_attempt("m", world.ledger.head("m"))
    assert world.claim(1, 2).outcome == "lost"


def test_an_execution_that_is_not_the_next_one_loses(world: World) -> None:
    world.dispatch(world.put())
    assert world.claim(2, 1).outcome == "lost"
    assert world.claim(1, 2).outcome == "lost"
    assert world.ledger.head("m").owner is None


def test_a_run_takes_over_what_one_that_died_had_claimed(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), wish("k1"))
    dead = world.claim()
    world.executions.ended.add("arn:retrain:m-1-1")
    world.dispatch(world.put("incoming/m/b.csv"))
    assert world.executions.names == ["m-1-1", "m-1-2"]
    taken = world.claim(1, 2)
    assert (len(taken.objects), taken.causes) == (2, ("data", "person", "retry"))
    assert taken.fence > dead.fence
    died, running = world.ledger.runs("m")
    assert (died.state, running.state) == ("died", "running")
    assert "the next attempt goes on with its work" in died.reasons[0]


def test_the_dead_holder_of_a_lease_cannot_write_any_more(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    dead = world.claim()
    world.executions.ended.add("arn:retrain:m-1-1")
    world.dispatch(world.put("incoming/m/b.csv"))
    world.claim(1, 2)
    object_id = version_of(world, "incoming/m/a.csv").id
    with pytest.raises(Fenced):
        world.ledger.accept(RunId("m", 1, 1), dead.fence, object_id, curated="s", rows=1, verdict="v")
    with pytest.raises(Fenced):
        world.ledger.check("m", dead.fence)
    assert world.ledger.accepted("m") == ()


def test_a_run_with_nothing_to_do_ends_and_the_next_event_starts_another(world: World) -> None:
    assert world.claim().outcome == "nothing"
    world.executions.ended.add("arn:retrain:m-1-1")
    assert world.ledger.head("m").owner is None
    world.dispatch(world.put())
    assert world.executions.names == ["m-1-2"]
    assert world.claim(1, 2).outcome == "claimed"


def test_what_arrives_while_an_empty_run_ends_is_asked_for_again(world: World) -> None:
    event = world.put()
    world.executions.start(Machine.RETRAIN, "m-1-1", {})

    def taking_the_lease() -> None:
        world.table.before_write = freeing_the_lease

    def freeing_the_lease() -> None:
        world.dispatch(event)

    world.table.before_write = taking_the_lease
    assert world.claim().outcome == "nothing"
    assert world.executions.names == ["m-1-1"]
    world.executions.ended.add("arn:retrain:m-1-1")
    world.drain()
    assert world.executions.names == ["m-1-1", "m-1-2"]


def test_a_run_claims_no_more_than_it_can_carry_and_a_successor_takes_the_rest(world: World) -> None:
    world.bounds = Bounds(largest=1000, inline=100, concurrency=10, objects=30)
    world.dispatch(*(world.put(f"incoming/m/{n:03d}.csv") for n in range(40)))
    result = world.claim()
    assert len(result.objects) == 30
    world.accept_all("m-1-1", result.fence)
    world.release("unchanged", fence=result.fence)
    world.drain()
    assert world.executions.names == ["m-1-1", "m-2-1"]
    assert len(world.claim(2, 1).objects) == 10


def test_few_and_small_objects_are_spread_inside_the_execution(world: World) -> None:
    world.dispatch(*(world.put(f"incoming/m/{n}.csv") for n in range(3)))
    world.bounds = Bounds(largest=1, inline=3, concurrency=7)
    result = world.claim()
    assert (result.spread, result.list, result.concurrency) == ("inline", "", 7)
    assert result.objects == tuple(item.id for item in world.ledger.claimed(RunId("m", 1, 1)).objects)


def test_many_objects_are_listed_in_s3_in_the_order_of_their_arrival(world: World) -> None:
    world.dispatch(*(world.put(f"incoming/m/{n}.csv") for n in range(4)))
    world.bounds = Bounds(largest=1, inline=3, concurrency=7)
    result = world.claim()
    assert (result.spread, result.list, result.objects) == ("distributed", "runs/m/m-1-1/objects.json", ())
    wanted = [{"object": item.id, "large": False} for item in world.ledger.claimed(RunId("m", 1, 1)).objects]
    assert json.loads(world.objects.get(result.list)) == wanted
    assert len(wanted) == 4


def test_one_object_too_large_for_a_function_is_marked_among_those_that_are_not(world: World) -> None:
    world.dispatch(world.put("incoming/m/small.csv", b"12"), world.put("incoming/m/large.csv", b"123"))
    world.bounds = Bounds(largest=2, inline=3, concurrency=7)
    result = world.claim()
    assert result.spread == "distributed"
    assert [item["large"] for item in json.loads(world.objects.get(result.list))] == [False, True]


def test_a_claim_that_is_tried_again_lists_the_same_objects(world: World) -> None:
    world.dispatch(world.put("incoming/m/large.csv", b"123"))
    world.bounds = Bounds(largest=2, inline=3, concurrency=7)
    first = world.claim()
    listed = world.objects.get(first.list)
    world.dispatch(world.put("incoming/m/late.csv", b"123"))
    assert world.claim() == first
    assert world.objects.get(first.list) == listed


def test_what_is_unique_everywhere_is_judged_one_object_after_the_other(world: World) -> None:
    world.contract = {**CONTRACT, "columns": {**COLUMNS, "visit": {"type": "integer", "unique": "everywhere"}}}
    world.dispatch(world.put())
    assert world.claim().concurrency == 1


def test_what_is_unique_in_one_object_only_is_judged_many_at_once(world: World) -> None:
    world.contract = {**CONTRACT, "columns": {**COLUMNS, "visit": {"type": "integer", "unique": True}}}
    world.dispatch(world.put())
    assert world.claim().concurrency == 10


def test_a_run_that_died_with_all_its_files_judged_is_gone_on_with_by_the_next_attempt(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    world.accept_all("m-1-1", world.claim().fence)
    world.executions.ended.add("arn:retrain:m-1-1")
    world.ledger.next_attempt("m", world.ledger.head("m"))  # as an event does that was on its way
    taken = world.claim(1, 2)
    assert (taken.outcome, taken.causes) == ("claimed", ("retry",))
    assert [run.state for run in world.ledger.runs("m")] == ["died", "running"]


@pytest.mark.parametrize("dies_after", range(8))
def test_a_claim_that_dies_while_it_takes_over_is_completed_by_its_retry(world: World, dies_after: int) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), wish("k1"))
    world.accept_all("m-1-1", world.claim().fence)
    world.executions.ended.add("arn:retrain:m-1-1")
    world.ledger.next_attempt("m", world.ledger.head("m"))
    writes = iter(range(dies_after))

    def die() -> None:
        if next(writes, None) is None:
            raise ConnectionError("killed")
        world.table.before_write = die

    world.table.before_write = die
    with suppress(ConnectionError):
        world.claim(1, 2)
    world.table.before_write = lambda: None
    assert world.claim(1, 2).causes == ("person", "retry")
    assert [run.state for run in world.ledger.runs("m")] == ["died", "running"]
    assert world.ledger.head("m").runs == 2


def test_a_reconciler_leaves_the_next_attempt_its_name_when_it_frees_a_dead_lease(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    world.claim()
    world.executions.ended.add("arn:retrain:m-1-1")
    world.dispatch(wish("k1"))
    assert world.executions.names == ["m-1-1", "m-1-2"]
    world.reconcile()
    head = world.ledger.head("m")
    assert (head.attempt, head.owner) == (2, None)
    assert world.ledger.runs("m")[0].state == "died"
    assert world.claim(1, 2).causes == ("data", "person", "retry")
