"""Release: the record is written, the lease is free, and what arrived meanwhile gets exactly one successor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from retide.domain.layout import RunId
from retide.domain.record import Failure
from retide.ports import Fenced
from tests.unit.steps.world import World, wish

CAUSE = json.dumps({"TrainingJobName": "j", "FailureReason": "AlgorithmError: the column age is constant"})


def test_a_run_that_ends_frees_the_lease_for_the_next_generation(world: World) -> None:
    world.dispatch(world.put(), wish("k1"))
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    assert world.release("unchanged", fence=fence).outcome == "unchanged"
    head = world.ledger.head("m")
    assert (head.generation, head.attempt, head.owner) == (2, 1, None)
    assert not world.ledger.waiting("m")
    assert world.queue.messages == []


def test_the_record_tells_what_was_done_and_why(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    world.run_to_package()
    record = json.loads(world.objects.get("runs/m/m-1-1/record.json"))
    assert record["run"]["outcome"] == "approved"
    assert record["run"]["reasons"] == ["the gate accepted it; the contract approves automatically"]
    assert record["run"]["commit"] == "abc"
    assert [(item["key"], item["state"]) for item in record["objects"]] == [("incoming/m/a.csv", "accepted")]
    assert record["decision"]["outcome"] == "accepted"
    assert record["registration"]["package"] == World.arn(1)
    kept = world.ledger.run(RunId("m", 1, 1))
    assert kept
    assert (kept.state, kept.package, kept.rows) == ("ended", World.arn(1), 300)


def test_releasing_twice_is_releasing_once(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    world.release("unchanged", fence=fence)
    before = dict(world.table.items)
    world.release("unchanged", fence=fence)
    assert world.table.items == before


def test_a_call_that_died_before_freeing_the_lease_is_completed_by_its_retry(world: World) -> None:
    world.dispatch(world.put())
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    writes = iter(range(100))

    def die_at_the_end() -> None:
        if next(writes) == 1:
            raise ConnectionError("cut")
        world.table.before_write = die_at_the_end

    world.table.before_write = die_at_the_end
    with pytest.raises(ConnectionError):
        world.release("unchanged", fence=fence)
    world.table.before_write = lambda: None
    world.release("unchanged", fence=fence)
    assert world.ledger.head("m").generation == 2


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ({"TrainingJobName": "j", "TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}, "job j is Stopped"),
        (
            {"TrainingJobName": "j", "TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"},
            "the training job j is Stopped (MaxRuntimeExceeded)",
        ),
        ({"ProcessingJobName": "p", "ProcessingJobStatus": "Stopped"}, "the processing job p is Stopped"),
    ],
)
def test_a_job_that_was_stopped_is_told_of_in_a_sentence(cause: dict[str, str], told: str) -> None:
    assert Failure("States.TaskFailed", json.dumps(cause)).words.endswith(told)


def test_a_failed_run_hands_back_its_data_and_says_why_in_the_job_s_own_words(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), wish("k1"))
    fence = world.claim().fence
    world.release("failed", fence=fence, error=Failure("States.TaskFailed", CAUSE))
    assert world.states() == {"incoming/m/a.csv": "pending"}
    run = world.ledger.run(RunId("m", 1, 1))
    assert run
    assert run.reasons == ("States.TaskFailed: AlgorithmError: the column age is constant",)
    head = world.ledger.head("m")
    assert (head.generation, head.attempt, head.owner) == (1, 2, None)


def test_a_failed_run_is_not_repeated_for_its_own_data_but_by_the_next_arrival(world: World) -> None:
    event = world.put("incoming/m/a.csv")
    world.dispatch(event)
    fence = world.claim().fence
    world.release("failed", fence=fence)
    world.drain()
    world.dispatch(event)
    assert world.executions.names == ["m-1-1"]
    world.dispatch(world.put("incoming/m/b.csv"))
    assert world.executions.names == ["m-1-1", "m-1-2"]
    assert len(world.claim(1, 2).objects) == 2


def test_a_person_may_repeat_a_failed_run(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    world.release("failed", fence=world.claim().fence)
    world.dispatch(wish("again"))
    assert len(world.claim(1, 2).objects) == 1


def test_what_arrives_during_a_run_starts_exactly_one_successor(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    fence = world.claim().fence
    for n in range(5):
        world.dispatch(world.put(f"incoming/m/late-{n}.csv"))
    world.dispatch(wish("k1"))
    world.accept_all("m-1-1", fence)
    world.release("unchanged", fence=fence)
    world.release("unchanged", fence=fence)
    world.drain()
    assert world.executions.names == ["m-1-1", "m-2-1"]
    assert len(world.claim(2, 1).objects) == 5


def test_a_run_that_lost_its_lease_cannot_end_itself(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    fence = world.claim().fence
    world.executions.ended.add("arn:retrain:m-1-1")
    world.dispatch(world.put("incoming/m/b.csv"))
    world.claim(1, 2)
    world.executions.ended.clear()
    late = world.ledger.run(RunId("m", 1, 1))
    assert late
    assert late.state == "died"
    world.release("unchanged", fence=fence)
    assert world.ledger.head("m").owner == "arn:retrain:m-1-2"
    with pytest.raises(Fenced):
        world.ledger.free_lease("m", fence, again=False)


# Kinds of failure.

QUOTA = Failure("SageMaker.ResourceLimitExceededException", "The account-level service limit is 0 instances")


def test_a_run_without_quota_queues_and_is_tried_again_when_the_pause_is_over(world: World) -> None:
    world.dispatch(world.put(), wish("k1"))
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    assert world.release("failed", fence=fence, error=QUOTA).outcome == "waiting for quota"
    (told,) = world.reconcile().acts
    assert told.startswith("m: what waits is started after 2026-01-01T00:15 (quota: ")
    deferral = world.ledger.deferral("m")
    assert deferral
    assert deferral.delay == "quota"
    assert "service limit is 0" in deferral.reason
    assert world.ledger.head("m").runs == 0, "no run of the day's budget"
    world.clock.time += timedelta(minutes=16)
    world.reconcile()
    assert world.executions.names == ["m-1-1", "m-1-2"]
    assert world.claim(1, 2).causes == ("person", "retry")


def test_a_release_for_want_of_quota_that_dies_anywhere_loses_nothing(world: World) -> None:
    for dies_after in range(8):
        world = World()
        world.dispatch(world.put(), wish("k1"))
        fence = world.claim().fence
        writes = iter(range(dies_after))

        def die(world: World = world, writes: Iterator[int] = writes) -> None:
            if next(writes, None) is None:
                raise ConnectionError("killed")
            world.table.before_write = die

        world.table.before_write = die
        with suppress(ConnectionError):
            world.release("failed", fence=fence, error=QUOTA)
        world.table.before_write = lambda: None
        world.release("failed", fence=fence, error=QUOTA)
        world.clock.time += timedelta(minutes=16)
        world.reconcile()
        assert world.executions.names[-1] == "m-1-2", dies_after
        assert world.claim(1, 2).causes == ("data", "person", "retry")


def test_a_map_whose_item_failed_ends_as_that_item_did(world: World) -> None:
    world.dispatch(world.put())
    world.executions.item_failure = QUOTA
    error = Failure("States.ExceedToleratedFailureThreshold", "the threshold was exceeded")
    assert world.release("failed", fence=world.claim().fence, error=error).outcome == "waiting for quota"
    run = world.ledger.run(RunId("m", 1, 1))
    assert run
    assert run.reasons == (QUOTA.words,)


def test_a_map_of_which_no_item_is_known_to_have_failed_ends_with_its_own_words(world: World) -> None:
    world.dispatch(world.put())
    error = Failure("States.ExceedToleratedFailureThreshold", "the threshold was exceeded")
    assert world.release("failed", fence=world.claim().fence, error=error).outcome == "failed"
    run = world.ledger.run(RunId("m", 1, 1))
    assert run
    assert run.reasons == (error.words,)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (QUOTA, "waiting for quota"),
        (Failure("States.TaskFailed", json.dumps({"FailureReason": "CapacityError: no room"})), "waiting for quota"),
        (Failure("States.Timeout", ""), "timed out"),
        (
            Failure(
                "States.TaskFailed",
                json.dumps({"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"}),
            ),
            "timed out",
        ),
        (
            Failure("States.TaskFailed", json.dumps({"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"})),
            "stopped",
        ),
        (Failure("States.TaskFailed", json.dumps({"ProcessingJobStatus": "Stopped"})), "stopped"),
        (
            Failure(
                "States.TaskFailed",
                json.dumps(
                    {
                        "ProcessingJobStatus": "Stopped",
                        "ProcessingStartTime": 0,
                        "ProcessingEndTime": 60_000,
                        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
                    }
                ),
            ),
            "timed out",
        ),
        (Failure("States.TaskFailed", CAUSE), "failed"),
        (Failure("KeyError", "not JSON"), "failed"),
        (Failure("KeyError", "[]"), "failed"),
    ],
)
def test_failures_are_told_apart_and_people_are_told(world: World, error: Failure, outcome: str) -> None:
    world.dispatch(world.put())
    assert world.release("failed", fence=world.claim().fence, error=error).outcome == outcome
    run = world.ledger.run(RunId("m", 1, 1))
    assert run
    assert run.outcome == outcome
    assert world.notices.published[-1][0] == f"dev: run m-1-1 {outcome}"
    head = world.ledger.head("m")
    assert (head.generation, head.attempt) == (1, 2)
