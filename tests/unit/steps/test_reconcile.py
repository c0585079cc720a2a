"""Reconcile: what was lost is started, what died is taken over, what is approved is served, what is stuck is told."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from retide.domain.accounting import balance
from retide.domain.layout import RunId
from retide.domain.ledger import Cause
from retide.domain.record import Failure
from retide.ports import EndpointState, ExecutionStatus, Fenced, Status
from tests.unit.steps.world import World, approved_event, rollout_arn, wish

RUN = RunId("m", 1, 1)


def kill(world: World, run: str = "m-1-1", status: ExecutionStatus = ExecutionStatus.FAILED) -> None:
    world.executions.ended.add(f"arn:retrain:{run}")
    world.executions.endings[f"arn:retrain:{run}"] = status


def test_where_nothing_is_wrong_nothing_is_done_and_nobody_is_told(world: World) -> None:
    world.dispatch(world.put())
    world.run_to_package()
    world.deploy()
    world.notices.published.clear()
    assert world.reconcile().acts == ()
    assert world.notices.published == []
    last = world.ledger.reconciliation()
    assert last
    assert last.outcome == "nothing to do"


def test_a_run_that_nobody_started_is_started(world: World) -> None:
    world.dispatch(world.put())
    world.executions.started.clear()
    assert world.reconcile().acts == ("m: started run m-1-1, which nobody had started",)
    assert world.executions.names == ["m-1-1"]


def test_an_execution_that_died_before_claim_costs_an_attempt_and_nothing_else(world: World) -> None:
    world.dispatch(world.put())
    kill(world)
    world.reconcile()
    assert world.executions.names == ["m-1-1", "m-1-2"]
    assert world.ledger.head("m").runs == 0


# Runs that died.


@pytest.mark.parametrize("judged", [False, True])
def test_a_run_that_died_is_recorded_and_its_work_done_by_the_next_attempt(world: World, judged: bool) -> None:
    world.dispatch(world.put(), wish("k1"))
    fence = world.claim().fence
    if judged:
        world.accept_all("m-1-1", fence)
    kill(world)
    (died, _) = world.reconcile().acts
    assert died == "m: run m-1-1 died (FAILED): it is tried again"
    run = world.ledger.run(RUN)
    assert run
    assert (run.state, run.outcome) == ("died", "died")
    assert run.ended_at
    assert world.executions.names == ["m-1-1", "m-1-2"]
    causes = world.claim(1, 2).causes
    assert causes == (("person", "retry") if judged else ("data", "person", "retry"))


def test_what_a_dead_run_still_tries_to_write_is_fenced(world: World) -> None:
    world.dispatch(world.put())
    fence = world.claim().fence
    (item,) = world.ledger.claimed(RUN).objects
    kill(world)
    world.reconcile()
    with pytest.raises(Fenced):
        world.ledger.accept(RUN, fence, item.id, curated="s", rows=1, verdict="v")
    with pytest.raises(Fenced):
        world.ledger.write_run(world.ledger.runs("m")[0], fence)


def test_a_run_that_lives_is_left_alone(world: World) -> None:
    world.dispatch(world.put())
    fence = world.claim().fence
    assert world.reconcile().acts == ()
    world.ledger.check("m", fence)


@pytest.mark.parametrize("dies_after", range(7))
def test_a_reconciler_that_dies_is_taken_over_by_the_next_one(world: World, dies_after: int) -> None:
    world.dispatch(world.put(), wish("k1"))
    world.accept_all("m-1-1", world.claim().fence)
    kill(world)
    writes = 0

    def count() -> None:
        nonlocal writes
        world.table.before_write = count
        writes += 1
        if writes > dies_after:
            raise ConnectionError("killed")

    world.table.before_write = count
    with suppress(ConnectionError):
        world.reconcile()
    world.table.before_write = lambda: None
    world.reconcile()
    assert world.executions.names[-1] == "m-1-2"
    assert world.ledger.runs("m")[0].state == "died"
    assert set(world.claim(1, 2).causes) == {"person", "retry"}


def test_what_somebody_stopped_is_not_started_again_before_something_new_comes(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), wish("k1"))
    world.claim()
    kill(world, status=ExecutionStatus.ABORTED)
    world.reconcile()
    world.reconcile()
    assert world.executions.names == ["m-1-1"]
    run = world.ledger.run(RUN)
    assert run
    assert run.outcome == "stopped"
    world.dispatch(world.put("incoming/m/b.csv"))
    assert world.executions.names == ["m-1-1", "m-1-2"]
    assert len(world.claim(1, 2).objects) == 2


def test_an_execution_that_ran_out_of_time_says_so(world: World) -> None:
    world.dispatch(world.put())
    world.claim()
    kill(world, status=ExecutionStatus.TIMED_OUT)
    world.reconcile()
    assert world.ledger.runs("m")[0].outcome == "timed out"
    assert world.executions.names[-1] == "m-1-2"


def test_after_three_deaths_somebody_must_look_into_it(world: World) -> None:
    world.dispatch(world.put())
    for attempt in range(1, 4):
        world.claim(1, attempt)
        kill(world, f"m-1-{attempt}")
        acts = world.reconcile().acts
    assert "3 attempts died one after the other" in acts[0]
    world.reconcile()
    assert world.executions.names == ["m-1-1", "m-1-2", "m-1-3"]
    assert world.ledger.head("m").owner is None
    assert "somebody must look into it" in world.notices.published[-1][1]


# The fuse: runs that die before they claim anything.

FUSE = (
    "m: what waits is started when somebody asks for it (fuse: 5 executions died one after the other before they had "
    "claimed anything: mend the cause, then `retide retrain --model m`)"
)


def die_unclaimed(world: World, times: int, *, leased: bool, status: ExecutionStatus = ExecutionStatus.FAILED) -> None:
    """The newest execution dies before its claim is written, `leased` with the lease in its hand; then again."""
    for _ in range(times):
        head = world.ledger.head("m")
        run = str(head.run("m"))
        if leased:
            world.ledger.take_lease("m", head, f"arn:retrain:{run}")
        kill(world, run, status)
        world.reconcile()


@pytest.mark.parametrize("leased", [False, True])
def test_runs_that_die_before_they_claim_anything_are_started_five_times_and_people_told_once(
    world: World, leased: bool
) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    die_unclaimed(world, 4, leased=leased)
    assert world.executions.names == [f"m-1-{attempt}" for attempt in range(1, 6)]
    die_unclaimed(world, 1, leased=leased)
    for _ in range(3):
        assert world.reconcile().acts == (FUSE,)
    assert world.executions.names == [f"m-1-{attempt}" for attempt in range(1, 6)]
    assert [text.count(FUSE) for _, text in world.notices.published if FUSE in text][-1] == 1
    assert sum(text == FUSE for _, text in world.notices.published) <= 1


def test_a_reconciler_that_dies_while_it_tells_is_followed_by_one_that_tells(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    die_unclaimed(world, 4, leased=False)
    kill(world, "m-1-5")
    told = len(world.notices.published)
    world.notices.broken = True
    with suppress(ConnectionError):
        world.reconcile()
    world.notices.broken = False
    world.reconcile()
    assert [text for _, text in world.notices.published[told:]] == [FUSE]


def test_what_arrives_after_the_fuse_has_blown_waits_with_the_rest_and_says_why(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    die_unclaimed(world, 5, leased=False)
    started = list(world.executions.names)
    assert world.dispatch(world.put("incoming/m/b.csv")).failed == {}
    assert world.executions.names == started
    account = balance(world.ledger.books("m"))
    assert account.problems == ()
    ((why, count),) = account.waiting.items()
    assert (why[:5], count) == ("fuse:", 2)


@pytest.mark.parametrize("cause", [Cause.PERSON, Cause.CODE])
def test_whoever_asks_or_deploys_other_code_has_five_more_runs_tried(world: World, cause: Cause) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    die_unclaimed(world, 5, leased=True)
    world.dispatch(wish("again", cause))
    assert world.executions.names[-1] == "m-1-6"
    die_unclaimed(world, 5, leased=True)
    assert world.executions.names[-1] == "m-1-10"
    assert world.reconcile().acts == (FUSE,)
    world.dispatch(wish("once-more", cause))
    assert world.executions.names[-1] == "m-1-11"
    assert set(world.claim(1, 11).causes) == {"data", cause.value}
    assert world.ledger.deferral("m") is None
    assert world.ledger.head("m").stillborn == 0


@pytest.mark.parametrize("cause", [Cause.SCHEDULE, Cause.DRIFT, Cause.RETRY, Cause.CHAMPION_CHANGED])
def test_a_machine_s_wish_does_not_mend_a_blown_fuse(world: World, cause: Cause) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    die_unclaimed(world, 5, leased=False)
    world.dispatch(wish("again", cause))
    assert world.executions.names[-1] == "m-1-5"


@pytest.mark.parametrize("leased", [False, True])
def test_runs_that_somebody_stops_before_they_claim_anything_do_not_blow_the_fuse(world: World, leased: bool) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    die_unclaimed(world, 4, leased=leased)
    die_unclaimed(world, 6, leased=leased, status=ExecutionStatus.ABORTED)
    assert world.ledger.head("m").stillborn == 4
    assert world.executions.names[-1] == "m-1-11"
    die_unclaimed(world, 1, leased=leased)
    assert world.reconcile().acts == (FUSE,)


def test_a_run_that_claims_makes_those_that_died_before_it_forgotten(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    die_unclaimed(world, 4, leased=False)
    world.accept_all("m-1-5", world.claim(1, 5).fence)
    world.release("kept", "m-1-5", world.ledger.head("m").token)
    world.dispatch(world.put("incoming/m/b.csv"))
    die_unclaimed(world, 4, leased=False)
    assert world.executions.names[-1] == "m-2-5"


# What serves.


def registered(world: World, version: int = 1) -> None:
    world.dispatch(world.put(f"incoming/m/{version}.csv"))
    world.run_to_package(f"d{version}")


def test_an_approval_whose_event_was_lost_is_rolled_out(world: World) -> None:
    registered(world)
    assert world.reconcile().acts == ("m: started a rollout of version 1, which is approved and not served",)
    assert world.executions.names[-1] == "m-v1-1"
    assert world.reconcile().acts == ()


def test_an_endpoint_that_serves_no_more_what_was_deployed_is_deployed_again(world: World) -> None:
    registered(world)
    world.deploy()
    world.endpoints.states.clear()
    world.reconcile()
    assert world.executions.names[-1] == "m-v1-2"


def test_an_endpoint_that_is_on_the_move_is_left_alone(world: World) -> None:
    registered(world)
    world.deploy()
    (name,) = world.endpoints.states
    world.endpoints.states[name] = EndpointState("Updating", "other")
    assert world.reconcile().acts == ()


def test_the_lease_of_a_rollout_that_died_is_freed_and_its_version_tried_again(world: World) -> None:
    registered(world)
    world.dispatch(approved_event(1))
    world.prepare()
    world.executions.ended.add(rollout_arn(1))
    acts = world.reconcile().acts
    assert acts[0].startswith("m: rollout m-v1-1 died: its execution ended as FAILED without recording how")
    assert world.ledger.endpoint("m").owner is None
    release = world.ledger.release("m", 1, 1)
    assert release
    assert release.verdict == "failed"
    assert world.executions.names[-1] == "m-v1-2"


def test_a_version_that_cannot_be_rolled_out_is_given_up_after_three_attempts(world: World) -> None:
    registered(world)
    for attempt in range(1, 4):
        world.reconcile()
        world.finish(world.prepare(1, attempt), "failed", 1, attempt)
        world.drain()
    world.reconcile()
    assert [name for name in world.executions.names if "-v" in name] == ["m-v1-1", "m-v1-2", "m-v1-3"]


def test_a_version_without_quota_is_tried_again_each_quarter_of_an_hour_and_never_given_up(world: World) -> None:
    registered(world)
    world.reconcile()
    no_room = Failure("SageMaker.ResourceLimitExceededException", "the limit of serverless endpoints is 5")
    for attempt in range(1, 6):
        assert world.executions.names[-1] == f"m-v1-{attempt}"
        assert world.finish(world.prepare(1, attempt), "failed", 1, attempt, no_room).outcome == "waiting for quota"
        world.drain()
        until = (world.clock.time + timedelta(minutes=15)).isoformat()[:16]
        assert world.reconcile().acts == (f"m: version 1 found no quota: it is rolled out after {until}",)
        assert world.executions.names[-1] == f"m-v1-{attempt}"
        world.clock.time += timedelta(minutes=15)
        assert world.reconcile().acts == ("m: started a rollout of version 1, which is approved and not served",)
    assert world.ledger.endpoint("m").withdrawn == ()
    assert world.ledger.endpoint("m").owner is None
    assert "the limit of serverless endpoints is 5" in world.ledger.releases("m")[0].reason


def test_whoever_asks_for_a_version_without_quota_waits_for_nothing(world: World) -> None:
    registered(world)
    world.reconcile()
    world.finish(world.prepare(), "failed", error=Failure("SageMaker.ResourceLimitExceededException", "no room"))
    world.dispatch({"retide": 1, "kind": "rollout", "model": "m", "key": "now"})
    assert world.executions.names[-1] == "m-v1-2"


def test_a_version_that_was_rejected_or_withdrawn_is_not_served(world: World) -> None:
    registered(world)
    world.registry.judge(world.arn(1), Status.REJECTED, "no")
    assert world.reconcile().acts == ()


# Batches, failures.


def test_a_batch_that_stays_incomplete_is_reported_once_and_goes_on_waiting(world: World) -> None:
    world.dispatch(world.put("incoming/m/day/a.csv"))
    assert world.reconcile().acts == ()
    world.clock.time += timedelta(hours=25)
    (act,) = world.reconcile().acts
    assert act == (
        "m: batch 'day' waits for more than 24 hours with 1 files: its marker (_SUCCESS or manifest.json) has not come"
    )
    assert world.reconcile().acts == ()
    world.dispatch(world.put("incoming/m/day/_SUCCESS"))
    assert len(world.ledger.waiting("m").objects) == 1


def test_what_fails_for_one_model_is_told_and_done_for_the_others(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/n/a.csv"))
    world.executions.started.clear()
    world.executions.refuses = "m"
    done = world.reconcile()
    assert done.outcome == "failed"
    assert done.failed == ("m: ConnectionError: no execution of m can be started",)
    assert world.executions.names == ["n-1-1"]
    assert "no execution of m can be started" in world.notices.published[-1][1]


# The budget.


def spend(world: World, runs: int) -> None:
    world.contract = {**world.contract, "policy": {"min_rows": 50, "runs_per_day": runs}}
    for n in range(runs):
        world.dispatch(world.put(f"incoming/m/{n}.csv"))
        head = world.ledger.head("m")
        run = str(head.run("m"))
        world.accept_all(run, world.claim(head.generation, head.attempt).fence)
        world.release("kept", run, head.token + 1)


def test_what_arrives_when_the_day_s_budget_is_spent_waits_with_that_reason_for_the_next_day(world: World) -> None:
    spend(world, 2)
    started = len(world.executions.names)
    world.dispatch(world.put("incoming/m/late.csv"))
    for _ in range(2):
        (told,) = world.reconcile().acts
    assert told.startswith("m: what waits is started after 2026-01-02T00:00 (budget: ")
    assert len([subject for subject, _ in world.notices.published if "reconciled" in subject]) == 1
    assert len(world.executions.names) == started
    deferral = world.ledger.deferral("m")
    assert deferral
    assert deferral.delay == "budget"
    assert deferral.reason == "2 runs began today, and the contract allows 2 (policy.runs_per_day)"
    assert deferral.until == "2026-01-02T00:00:00+00:00"
    world.clock.time = datetime(2026, 1, 2, tzinfo=UTC)
    world.reconcile()
    assert len(world.executions.names) == started + 1
    assert world.claim(3, 1).outcome == "claimed"
    assert world.ledger.deferral("m") is None
    assert world.ledger.head("m").runs_on("2026-01-02") == 1


def test_a_person_waits_for_no_budget(world: World) -> None:
    spend(world, 1)
    world.dispatch(wish("code", Cause.CODE))
    assert world.executions.names == ["m-1-1"]
    world.dispatch(wish("person"))
    assert world.executions.names == ["m-1-1", "m-2-1"]


def test_events_that_go_round_in_circles_end_with_the_budget(world: World) -> None:
    world.contract = {**world.contract, "policy": {"min_rows": 50, "runs_per_day": 5}}
    for n in range(50):
        world.dispatch(wish(f"circle-{n}", Cause.DRIFT))
        head = world.ledger.head("m")
        if world.executions.running(f"arn:retrain:{head.run('m')}"):
            fence = world.claim(head.generation, head.attempt).fence
            world.release("unchanged", str(head.run("m")), fence)
    assert len(world.executions.names) == 5


def test_a_claim_that_is_retried_is_one_run_of_the_budget(world: World) -> None:
    world.dispatch(world.put())
    for _ in range(3):
        world.claim()
    assert world.ledger.head("m").runs == 1
