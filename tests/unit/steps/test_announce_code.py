"""Announce code: what a deployed commit means for a model, seen from its champion; one wish a change, none without."""

from __future__ import annotations

from typing import Any

import pytest

from retide.domain.ledger import Announced, Comparison
from retide.domain.record import Failure
from tests.unit.steps.world import CONTRACT, World

CHANGES: dict[str, dict[str, Any]] = {
    "code": {"code": "d" * 64},
    "contract": {"contract": {**CONTRACT, "params": {"C": 0.5}}},
    "image": {"image": "sklearn:2"},
    "packages": {"libs": "m" * 64},
}


@pytest.fixture
def served(world: World) -> World:
    world.serve_first_version()
    return world


def last(world: World) -> Announced:
    return world.ledger.announced("m")[-1]


def retrain(world: World, dataset: str = "d1", **scores: Any) -> str:
    """The run that the queue asks for, to its end; its name."""
    world.drain()
    run = str(world.ledger.head("m").run("m"))
    world.run_to_package(dataset, **{"score": 0.95, "champion": 0.9, **scores})
    world.drain()
    return run


def judge(world: World, dataset: str = "d1") -> str:
    """What the run that waits decides by itself, and its end."""
    head = world.ledger.head("m")
    run, fence = str(head.run("m")), world.claim(head.generation, head.attempt).fence
    world.accept_all(run, fence)
    world.freeze(dataset)
    outcome = world.decide(run, fence, dataset).outcome
    world.release(outcome.value, run, fence)
    world.drain()
    return run


def test_a_first_deployment_waits_for_the_first_data_and_is_answered_by_its_run(world: World) -> None:
    assert world.deploy_code("one", "Create") == "retrain asked"
    world.drain()
    assert world.executions.names == []

    world.dispatch(world.put())
    world.run_to_package()

    (run,) = world.ledger.runs("m")
    assert [(wish.cause, wish.commit) for wish in run.requests] == [("code", "one")]
    answer = world.ledger.answer("m", last(world).key)
    assert answer is not None
    assert (answer.state, answer.run) == ("done", "m-1-1")


@pytest.mark.parametrize("part", CHANGES)
def test_each_part_of_the_recipe_that_changes_asks_for_exactly_one_retrain(served: World, part: str) -> None:
    assert served.deploy_code("two", **CHANGES[part]) == "retrain asked"
    assert served.announce() == "retrain asked"
    served.drain()

    assert served.executions.names[1:] == ["m-v1-1", "m-2-1"]
    (wish,) = served.ledger.waiting("m").requests
    assert (wish.reason, wish.commit) == (f"deployed: new against the champion: {part}", "two")


@pytest.mark.parametrize("part", CHANGES)
def test_a_retrain_after_a_change_is_no_repetition_and_makes_that_recipe_the_champions(
    served: World, part: str
) -> None:
    served.deploy_code("two", **CHANGES[part])
    run = retrain(served)
    served.deploy(2)

    assert served.deploy_code("three") == "same as the champion"
    assert served.ledger.runs("m")[-1].run == run
    assert served.queue.messages == []


def test_another_commit_with_the_champions_code_retrains_nothing_and_says_so(served: World) -> None:
    runs = served.ledger.runs("m")

    for commit in ("one", "handler-only"):
        assert served.deploy_code(commit) == "same as the champion"

    assert served.queue.messages == []
    assert served.ledger.runs("m") == runs
    found = last(served)
    assert (found.commit, found.outcome, found.champion, found.key) == ("handler-only", Comparison.SAME, 1, "")
    assert "version 1, which serves, was made by the same code" in found.reason


def test_going_back_to_the_champions_code_retrains_nothing(served: World) -> None:
    served.deploy_code("two", code="d" * 64)
    retrain(served, score=0.8)
    assert served.ledger.runs("m")[-1].outcome == "kept"

    assert served.deploy_code("back", code="c" * 64) == "same as the champion"
    assert served.queue.messages == []


def test_going_back_to_code_that_was_kept_out_names_the_run_that_tried_it(served: World) -> None:
    served.deploy_code("two", code="d" * 64)
    tried = retrain(served, score=0.8)
    served.deploy_code("back", code="c" * 64)
    runs = served.ledger.runs("m")

    assert served.deploy_code("again", code="d" * 64) == "already tried"

    found = last(served)
    assert (found.run, found.commit, found.key) == (tried, "again", "")
    assert found.reason == f"run {tried} tried the same on the same data; it was kept"
    assert served.queue.messages == []
    assert served.ledger.runs("m") == runs


def test_code_that_was_kept_out_is_tried_again_where_newer_data_came(served: World) -> None:
    served.deploy_code("two", code="d" * 64)
    tried = retrain(served, score=0.8)
    served.deploy_code("back", code="c" * 64)
    served.dispatch(served.put("incoming/m/new.csv"))
    served.run_to_package("d2", score=0.8, champion=0.9)

    assert served.deploy_code("again", code="d" * 64) == "retrain asked"
    assert last(served).key.endswith(f"-after-{tried}")
    again = retrain(served, "d2", score=0.8)
    assert served.ledger.runs("m")[-1].run == again
    assert served.deploy_code("handler-only") == "already tried"


def test_code_whose_run_failed_is_tried_again_by_the_deployment_that_mends_a_handler(served: World) -> None:
    served.deploy_code("two", code="d" * 64)
    served.drain()
    fence = served.claim(2, 1).fence
    served.release("failed", "m-2-1", fence)

    assert served.deploy_code("mended") == "retrain asked"
    retrain(served)
    assert [run.outcome for run in served.ledger.runs("m")] == ["approved", "failed", "approved"]


@pytest.mark.parametrize(("error", "ended"), [("States.Timeout", "timed out"), ("States.TaskFailed", "failed")])
def test_a_training_that_came_to_no_end_says_nothing_about_its_code(served: World, error: str, ended: str) -> None:
    served.deploy_code("two", code="d" * 64)
    served.drain()
    fence = served.claim(2, 1).fence
    served.freeze()
    served.decide("m-2-1", fence)
    served.release("failed", "m-2-1", fence, Failure(error, "it took too long"))
    assert served.ledger.runs("m")[-1].outcome == ended

    assert served.deploy_code("mended") == "retrain asked"
    assert last(served).key.endswith("-after-m-2-1")


def test_code_without_enough_data_is_not_run_again_by_every_deployment(world: World) -> None:
    world.deploy_code("one", "Create")
    world.drain()
    world.dispatch(world.put())
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    world.freeze(rows=10)
    assert world.decide().outcome == "insufficient"
    world.release("insufficient", "m-1-1", fence)

    assert world.deploy_code("two") == "already tried"
    world.drain()
    assert world.executions.names == ["m-1-1"]


def test_code_that_changes_while_a_retrain_runs_starts_exactly_one_successor(served: World) -> None:
    served.dispatch(served.put("incoming/m/second.csv"))
    fence = served.claim(2, 1).fence

    for _ in range(3):
        served.deploy_code("two", code="d" * 64)
        served.drain()
    assert served.executions.names[-1] == "m-2-1"
    served.release("unchanged", "m-2-1", fence)
    served.drain()

    assert served.executions.names[-1] == "m-3-1"
    assert [wish.commit for wish in served.ledger.waiting("m").requests] == ["two"]
    retrain(served)
    assert len(served.ledger.runs("m")) == 3
    assert not served.ledger.waiting("m")


def test_of_two_deployments_in_quick_succession_the_newest_code_is_trained_and_both_are_answered(
    served: World,
) -> None:
    served.deploy_code("two", code="d" * 64)
    served.deploy_code("three", code="e" * 64)
    run = retrain(served)

    record = served.ledger.runs("m")[-1]
    assert (record.run, record.code_digest, record.commit) == (run, "e" * 64, "three")
    assert [wish.commit for wish in record.requests] == ["two", "three"]
    for found in served.ledger.announced("m")[1:]:
        answer = served.ledger.answer("m", found.key)
        assert answer is not None
        assert (answer.state, answer.run) == ("done", run)


def test_a_deployment_that_overtakes_a_run_before_its_decision_is_what_the_run_trains(served: World) -> None:
    served.deploy_code("two", code="d" * 64)
    served.drain()
    fence = served.claim(2, 1).fence
    served.deploy_code("three", code="e" * 64)
    served.drain()
    served.freeze()
    plan = served.decide("m-2-1", fence)
    served.evaluate(plan, "m-2-1", champion=0.9, score=0.8)
    served.gate(plan, "m-2-1", fence)
    outcome = served.register("m-2-1", fence).outcome
    served.release(outcome, "m-2-1", fence)
    served.drain()

    assert served.ledger.runs("m")[-1].commit == "three"
    successor = judge(served)
    assert served.ledger.runs("m")[-1].outcome == "unchanged"
    assert [wish.commit for wish in served.ledger.runs("m")[-1].requests] == ["three"]
    assert successor == "m-3-1"


def test_a_retried_announcement_is_remembered_once(served: World) -> None:
    before = len(served.ledger.announced("m"))
    served.deploy_code("two", code="d" * 64)
    served.announce()
    assert len(served.ledger.announced("m")) == before + 1


def test_the_removal_of_a_model_asks_for_nothing(served: World) -> None:
    assert served.deploy_code("gone", "Delete", code="x" * 64) == "removed"
    assert served.queue.messages == []
    assert last(served).commit == "one"
