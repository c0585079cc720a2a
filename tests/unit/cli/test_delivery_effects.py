"""What a deployed commit meant for a model, told from the ledger that the steps themselves have written."""

from __future__ import annotations

import pytest

from retide.cli.delivery.effects import Effect, State, effects
from retide.domain.events import retrain_message
from retide.domain.ledger import Cause
from retide.domain.record import Failure
from retide.ports import Status
from tests.unit.steps.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def served(world: World) -> World:
    world.serve_first_version()
    return world


def effect(world: World, commit: str) -> Effect:
    (found,) = effects("prod", ("m",), commit, world.ledger)
    return found


def changed(world: World, commit: str = "two", code: str = "d" * 64) -> None:
    world.deploy_code(commit, code=code)


def test_a_commit_that_was_not_deployed_there_has_no_effect(served: World) -> None:
    assert list(effects("prod", ("m",), "elsewhere", served.ledger)) == []


def test_the_champions_code_is_told_as_no_retrain(served: World) -> None:
    served.deploy_code("handler")
    found = effect(served, "handler")
    assert (found.state, found.run) == (State.NOTHING, "")
    assert found.text.startswith("no retrain: version 1, which serves, was made by the same code")


def test_a_retrain_is_told_from_the_queue_to_the_endpoint(served: World) -> None:
    changed(served)
    told = [effect(served, "two").text]
    served.drain()
    told.append(effect(served, "two").text)
    package = served.run_to_package(score=0.95, champion=0.9)
    told.append(effect(served, "two").text)
    served.registry.judge(package, Status.APPROVED, "by policy")
    served.deploy(2)
    told.append(effect(served, "two").text)
    assert told == [
        "a retrain is asked for and lies in the queue",
        "a retrain waits for its run",
        "run m-2-1 was approved, its rollout is under way",
        "run m-2-1 was promoted as version 2",
    ]
    assert (effect(served, "two").state, effect(served, "two").run) == (State.PROMOTED, "m-2-1")


def test_a_run_that_has_begun_is_named(served: World) -> None:
    changed(served)
    served.drain()
    served.claim(2, 1)
    found = effect(served, "two")
    assert (found.state, found.text, found.run) == (State.OPEN, "run m-2-1 is under way", "m-2-1")


def test_code_without_any_data_waits_for_the_first_and_nothing_is_expected_of_it(world: World) -> None:
    world.deploy_code("one", "Create")
    world.drain()
    found = effect(world, "one")
    assert (found.state, found.run) == (State.NOTHING, "")
    assert found.text == "no retrain: there is no data yet; the first trains this code"


def test_a_worse_model_is_told_with_the_gates_reasons(served: World) -> None:
    changed(served)
    served.drain()
    served.run_to_package(score=0.6, champion=0.9, low=-0.35)
    found = effect(served, "two")
    assert found.state is State.DECIDED
    assert found.text.startswith("run m-2-1 was rejected: floor: ")
    assert [reason.partition(":")[0] for reason in found.more] == ["margin", "loss"]


def test_a_failed_run_is_told_as_a_failure(served: World) -> None:
    changed(served)
    served.drain()
    fence = served.claim(2, 1).fence
    served.release("failed", "m-2-1", fence)
    found = effect(served, "two")
    assert (found.state, found.run) == (State.FAILED, "m-2-1")
    assert found.text.startswith("run m-2-1 failed: ")


def test_a_run_that_took_too_long_is_told_so(served: World) -> None:
    changed(served)
    served.drain()
    fence = served.claim(2, 1).fence
    served.release("failed", "m-2-1", fence, Failure("States.Timeout", "the limit is an hour"))
    found = effect(served, "two")
    assert (found.state, found.text) == (State.FAILED, "run m-2-1 timed out: States.Timeout: the limit is an hour")


def test_a_model_that_was_rolled_back_is_told_with_the_reason(served: World) -> None:
    changed(served)
    served.drain()
    served.run_to_package(score=0.95, champion=0.9)
    rollout = served.prepare(2)
    served.finish(rollout, "rolled back", 2)
    found = effect(served, "two")
    assert (found.state, found.text) == (State.DECIDED, "run m-2-1 was rolled back as version 2: because")


def test_a_model_that_met_a_newer_champion_is_told_with_its_second_judgement(served: World) -> None:
    """Run 2, a person's, and run 3, the push's, are judged against version 1, and version 2 is served first."""
    served.dispatch(retrain_message("m", Cause.PERSON, "to see", "see"))
    served.run_to_package("d2", score=0.92, champion=0.9)
    changed(served)
    served.drain()
    served.run_to_package("d2", score=0.95, champion=0.9)
    served.registry.judge(served.arn(3), Status.PENDING, "not yet")
    served.deploy(2)
    served.registry.judge(served.arn(3), Status.APPROVED, "by policy")
    assert served.prepare(3).outcome == "superseded"
    served.drain()
    told = [effect(served, "two").text]
    served.run_to_package("d2", score=0.95, champion=0.92)
    served.deploy(4)

    again = "run m-3-1 met a newer champion when it was to be served, and is judged again: "
    assert told == [f"{again}a retrain waits for its run"]
    found = effect(served, "two")
    assert (found.state, found.text) == (State.PROMOTED, f"{again}run m-4-1 was promoted as version 4")


def test_code_that_was_tried_before_is_told_with_that_run(served: World) -> None:
    changed(served)
    served.drain()
    served.run_to_package(score=0.8, champion=0.9)
    served.deploy_code("back", code="c" * 64)
    changed(served, "again")
    found = effect(served, "again")
    assert (found.state, found.run) == (State.NOTHING, "m-2-1")
    assert found.text == "no retrain: run m-2-1 tried the same on the same data; it was kept"


def test_of_a_commit_that_was_deployed_twice_the_last_deployment_counts(served: World) -> None:
    changed(served)
    served.drain()
    served.run_to_package(score=0.8, champion=0.9)
    served.deploy_code("two", code="d" * 64)
    assert effect(served, "two").state is State.NOTHING
