"""Announce code: one wish a change, none without one."""

from __future__ import annotations

from tests.unit.steps.world import World


def test_a_change_of_code_asks_for_one_retrain_however_often_it_is_announced(world: World) -> None:
    world.dispatch(world.put())
    world.run_to_package()
    for _ in range(2):
        assert world.announce("Update", "new", "old") == "announced"
    world.drain()
    assert world.executions.names == ["m-1-1", "m-2-1"]
    (wish,) = world.ledger.waiting("m").requests
    assert (wish.cause, wish.reason) == ("code", "deployed: code changed")


def test_a_deployment_without_a_change_and_a_removal_ask_for_nothing(world: World) -> None:
    world.announce("Update", "same", "same")
    world.announce("Delete", "new", "old")
    assert world.queue.messages == []
