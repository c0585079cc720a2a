"""Prepare, check and finish a rollout: the newest approved model serves, or the reason is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from retide.domain.events import rollback_message
from retide.domain.ledger import Cause
from retide.domain.record import Failure
from retide.ports import EndpointState, Fenced, InvocationFailed, Kind, Status
from retide.steps.check_rollout import Checking, CheckRequest, check_rollout
from tests.unit.steps.world import World, approved_event, artefact, rollout_arn, wish


@pytest.fixture
def world() -> World:
    """A deployment with one approved package whose rollout was started."""
    world = World()
    world.dispatch(world.put("incoming/m/a.csv"))
    world.run_to_package()
    world.dispatch(approved_event(1))
    return world


def another(world: World, **changes: float) -> int:
    """A second run on new data, approved; its version."""
    world.dispatch(world.put("incoming/m/b.csv"))
    generation = world.ledger.head("m").generation
    world.run_to_package(f"d{generation}", **changes)
    version = len(world.registry.packages)
    world.registry.judge(World.arn(version), Status.APPROVED, "yes")
    return version


def test_an_approved_package_is_prepared_with_all_that_sagemaker_needs(world: World) -> None:
    rollout = world.prepare()
    assert rollout.outcome == "proceed"
    assert rollout.endpoint == "retide-dev-m"
    assert rollout.name.startswith("retide-dev-m-v1-")
    assert (rollout.exists, rollout.previous_config) == (False, "")
    assert rollout.environment["SAGEMAKER_SERVING_MODULE"] == "server.wsgi:app"
    assert rollout.environment["RETIDE_MODEL_VERSION"] == "1"
    assert rollout.environment["RETIDE_CAPTURE"] == "0"
    (variant,) = rollout.variants
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


@pytest.mark.parametrize(("profile", "by_server", "by_endpoint"), [("serverless", "50", None), ("instance", "0", 50)])
def test_what_is_kept_is_captured_once(world: World, profile: str, by_server: str, by_endpoint: int | None) -> None:
    """By the server where the endpoint cannot, by the endpoint where it can."""
    world.contract["serving"] = {"profile": profile, "capture": 50}
    rollout = world.prepare()
    assert rollout.environment["RETIDE_CAPTURE"] == by_server
    assert rollout.capture.get("InitialSamplingPercentage") == by_endpoint
    assert world.endpoint_logs.kept == {rollout.endpoint: (7, "arn:keeper" if by_endpoint is None else "")}


def test_preparing_twice_is_the_same_rollout(world: World) -> None:
    assert world.prepare() == world.prepare()


def test_a_healthy_endpoint_makes_its_version_the_champion(world: World) -> None:
    rollout = world.prepare()
    world.serve(rollout)
    check = world.check(rollout)
    assert check.outcome == "healthy"
    assert world.finish(rollout, check.outcome).outcome == "promoted"
    champion = world.ledger.head("m").champion
    assert champion
    assert (champion.version, champion.dataset, champion.run) == (1, "d1", "m-1-1")
    endpoint = world.ledger.endpoint("m")
    assert (endpoint.version, endpoint.config, endpoint.owner) == (1, rollout.name, None)
    assert world.ledger.releases("m")[0].verdict == "promoted"


def test_finishing_twice_is_finishing_once(world: World) -> None:
    rollout = world.prepare()
    world.finish(rollout, "healthy")
    before = dict(world.table.items)
    assert world.finish(rollout, "healthy").outcome == "promoted"
    assert world.table.items == before


def test_after_a_release_every_further_event_of_it_starts_nothing(world: World) -> None:
    world.finish(world.prepare(), "healthy")
    world.dispatch(approved_event(1), approved_event(1))
    assert world.executions.names == ["m-1-1", "m-v1-1"]


def test_an_update_goes_back_to_the_config_before(world: World) -> None:
    world.deploy(1)
    before = world.ledger.endpoint("m").config
    version = another(world, score=0.95, champion=0.9)
    world.dispatch(approved_event(version))
    rollout = world.prepare(version)
    assert (rollout.outcome, rollout.exists, rollout.previous_config) == ("proceed", True, before)


def test_sagemaker_s_own_rollback_is_seen_though_the_endpoint_is_in_service(world: World) -> None:
    world.deploy(1)
    version = another(world, score=0.95, champion=0.9)
    world.dispatch(approved_event(version))
    rollout = world.prepare(version)
    world.endpoints.states["retide-dev-m"] = EndpointState("InService", rollout.previous_config, "ping failed")
    check = world.check(rollout, version)
    assert (check.outcome, "ping failed" in check.reason) == ("rolled back", True)
    assert world.finish(rollout, check.outcome, version).outcome == "rolled back"
    assert world.ledger.endpoint("m").withdrawn == (version,)
    champion = world.ledger.head("m").champion
    assert champion
    assert champion.version == 1


@pytest.mark.parametrize("status", ["Failed", "OutOfService"])
def test_an_endpoint_that_does_not_serve_is_a_failure_with_its_reason(world: World, status: str) -> None:
    rollout = world.prepare()
    world.endpoints.states[rollout.endpoint] = EndpointState(status, rollout.name, "no such image")
    check = world.check(rollout)
    assert (check.outcome, check.reason) == ("failed", f"the endpoint is {status}: no such image")


def test_wrong_answers_are_named_by_record_and_field(world: World) -> None:
    rollout = world.prepare()
    world.serve(rollout)
    right = world.endpoints.answer

    def wrong(body: bytes) -> bytes:
        found = json.loads(right(body))
        found["predictions"][1]["probability"] += 0.01
        return json.dumps(found).encode()

    world.endpoints.answer = wrong
    check = world.check(rollout)
    assert check.outcome == "wrong answers"
    assert check.reason.startswith("golden record 1: prediction.probability is 0.11")


def test_answers_within_the_tolerance_are_right(world: World) -> None:
    rollout = world.prepare()
    world.serve(rollout)
    right = world.endpoints.answer

    def nearly(body: bytes) -> bytes:
        found = json.loads(right(body))
        found["predictions"][-1]["probability"] += 5e-6
        return json.dumps(found).encode()

    world.endpoints.answer = nearly
    assert world.check(rollout).outcome == "healthy"


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"predictions": 3}', b'{"predictions": []}', b"\xff\xfe"])
def test_an_answer_that_is_none_is_wrong(world: World, answer: bytes) -> None:
    rollout = world.prepare()
    world.serve(rollout)
    world.endpoints.answer = lambda _: answer
    assert world.check(rollout).outcome == "wrong answers"


def test_a_model_that_refuses_the_golden_records_is_wrong_in_its_own_words(world: World) -> None:
    rollout = world.prepare()
    world.serve(rollout)

    def refuse(_: bytes) -> bytes:
        raise InvocationFailed("age must be a number")

    world.endpoints.answer = refuse
    check = world.check(rollout)
    assert (check.outcome, "age must be a number" in check.reason) == ("wrong answers", True)


def test_an_artefact_that_was_changed_after_its_evaluation_is_refused(world: World) -> None:
    job = world.registry.packages[0].facts["job"]
    world.objects.put(f"models/m/{job}/output/model.tar.gz", artefact({"model/model.onnx": b"other"}))
    rollout = world.prepare()
    assert (rollout.outcome, "was evaluated" in rollout.reason) == ("refused", True)
    assert world.finish(rollout, "refused").outcome == "refused"
    assert world.ledger.endpoint("m").withdrawn == (1,)
    assert world.ledger.endpoint("m").owner is None


@pytest.mark.parametrize("data", [b"", b"no archive", artefact({"model/model.onnx": b"x" * 9000})[:50]])
def test_an_artefact_that_cannot_be_read_is_refused(world: World, data: bytes) -> None:
    job = world.registry.packages[0].facts["job"]
    world.objects.put(f"models/m/{job}/output/model.tar.gz", data)
    assert world.prepare().outcome == "refused"


def test_an_artefact_that_is_gone_is_refused(world: World) -> None:
    world.objects.delete(f"models/m/{world.registry.packages[0].facts['job']}/output/model.tar.gz")
    rollout = world.prepare()
    assert (rollout.outcome, "does not exist" in rollout.reason or "s3://" in rollout.reason) == ("refused", True)


def test_a_package_that_points_elsewhere_is_refused(world: World) -> None:
    world.registry.packages[0] = replace(world.registry.packages[0], model_data_url="s3://elsewhere/model.tar.gz")
    assert world.prepare().outcome == "refused"


def test_a_package_that_no_run_registered_is_refused(world: World) -> None:
    world.registry.packages[0] = replace(world.registry.packages[0], facts={})
    rollout = world.prepare()
    assert (rollout.outcome, "not registered by a run" in rollout.reason) == ("refused", True)


def test_no_approval_can_deploy_a_model_that_its_gate_rejected(world: World) -> None:
    package = world.registry.packages[0]
    world.registry.packages[0] = replace(package, facts={**package.facts, "decision": "rejected"})
    assert world.prepare().outcome == "refused"


def test_an_approval_that_was_taken_back_is_superseded(world: World) -> None:
    world.registry.judge(World.arn(1), Status.REJECTED, "no")
    assert world.prepare().outcome == "superseded"
    assert world.ledger.endpoint("m").owner is None


def test_an_older_package_gives_way_to_a_newer_one(world: World) -> None:
    another(world, score=0.95)
    rollout = world.prepare(1)
    assert (rollout.outcome, rollout.reason) == ("superseded", "version 2 is approved and newer")
    assert world.ledger.releases("m")[0].verdict == "superseded"


def test_a_package_judged_against_another_champion_is_judged_again_by_a_new_run(world: World) -> None:
    version = another(world, score=0.95)
    world.registry.judge(World.arn(version), Status.PENDING, "not yet")
    world.deploy(1)
    world.registry.judge(World.arn(version), Status.APPROVED, "now")
    world.dispatch(approved_event(version))
    rollout = world.prepare(version)
    assert (rollout.outcome, "judged against no champion" in rollout.reason) == ("superseded", True)
    assert world.registry.describe(World.arn(version)).status is Status.REJECTED
    world.drain()
    assert world.ledger.waiting("m").requests[0].cause == "champion changed"
    assert world.executions.names[-1] == "m-3-1"


def test_a_second_rollout_waits_and_is_asked_for_when_the_first_ends(world: World) -> None:
    first = world.prepare(1)
    version = another(world, score=0.95)
    world.dispatch(approved_event(version))
    assert world.prepare(version).outcome == "superseded"
    world.executions.ended.add(rollout_arn(version))
    assert world.ledger.releases("m")[0].verdict == "waiting"
    world.serve(first)
    world.finish(first, "failed")
    world.drain()
    assert world.executions.names[-1] == "m-v2-2"
    assert world.prepare(version, 2).outcome == "proceed"


def test_the_lease_of_a_rollout_that_died_is_void(world: World) -> None:
    dead = world.prepare()
    world.executions.ended.add(rollout_arn(1))
    alive = world.prepare(1, 2)
    assert alive.outcome == "proceed"
    with pytest.raises(Fenced):
        world.finish(dead, "healthy")
    assert world.finish(alive, "healthy", attempt=2).outcome == "promoted"


def test_a_rollout_that_failed_on_the_way_may_be_asked_for_again(world: World) -> None:
    world.finish(world.prepare(), "failed", error=Failure("SageMaker.Surprise", "no idea"))
    assert world.ledger.releases("m")[0].reason == "SageMaker.Surprise: no idea"
    assert world.queue.messages == []
    world.dispatch(approved_event(1))
    assert world.executions.names == ["m-1-1", "m-v1-1"]
    world.dispatch({"retide": 1, "kind": "rollout", "model": "m", "key": "again"})
    assert world.executions.names == ["m-1-1", "m-v1-1", "m-v1-2"]


def test_a_withdrawn_version_never_serves_again(world: World) -> None:
    world.finish(world.prepare(), "wrong answers")
    world.dispatch(approved_event(1), {"retide": 1, "kind": "rollout", "model": "m", "key": "again"})
    assert world.executions.names == ["m-1-1", "m-v1-1"]
    assert world.prepare(1, 2).outcome == "refused"


def test_other_settings_of_serving_are_another_config(world: World) -> None:
    name = world.prepare().name
    world.contract["serving"] = {"memory_mib": 4096}
    assert world.prepare().name != name


# What somebody else did to the endpoint, and approvals that meet.

ASKED = {"retide": 1, "kind": "rollout", "model": "m", "key": "asked"}


def test_a_deployed_version_whose_endpoint_was_deleted_serves_again_when_asked_for(world: World) -> None:
    world.deploy(1)
    world.endpoints.states.clear()
    world.dispatch(ASKED)
    assert world.executions.names[-1] == "m-v1-2"
    rollout = world.prepare(1, 2)
    assert (rollout.outcome, rollout.exists, "serves it no more" in rollout.reason) == ("proceed", False, True)
    world.serve(rollout)
    assert world.finish(rollout, "healthy", attempt=2).outcome == "promoted"


def test_a_deployed_version_whose_endpoint_was_changed_by_hand_serves_again_when_asked_for(world: World) -> None:
    world.deploy(1)
    world.endpoints.states["retide-dev-m"] = EndpointState("InService", "by-hand")
    world.dispatch(ASKED)
    rollout = world.prepare(1, 2)
    assert (rollout.outcome, rollout.previous_config) == ("proceed", "by-hand")


def test_a_deployed_version_that_serves_is_left_alone_when_asked_for(world: World) -> None:
    world.deploy(1)
    world.dispatch(ASKED)
    assert world.prepare(1, 2).reason == "version 1 is served already"
    assert world.queue.messages == []


def test_an_older_version_never_takes_the_place_of_a_newer_one(world: World) -> None:
    version = another(world, score=0.95)
    world.deploy(version)
    world.endpoints.states.clear()
    world.dispatch(approved_event(1))
    assert f"m-v{1}-2" not in world.executions.names
    assert world.prepare(1).reason == "version 2, which is newer, was deployed before it"


def test_without_anything_to_go_back_to_a_wrong_answer_is_a_failure_and_no_rollback(world: World) -> None:
    world.deploy(1)
    world.endpoints.states.clear()
    version = another(world, score=0.95, champion=0.9)
    world.dispatch(approved_event(version))
    assert world.finish(world.prepare(version), "wrong answers", version).outcome == "failed"
    assert world.ledger.releases("m")[-1].previous == ""


def test_a_rollout_that_gives_way_asks_for_the_newer_one_that_found_the_endpoint_taken(world: World) -> None:
    version = another(world, score=0.95)

    def newer_comes() -> None:
        world.dispatch(approved_event(version))
        world.table.before_write = newer_waits

    def newer_waits() -> None:
        assert world.prepare(version).reason.startswith("another rollout")
        world.executions.ended.add(rollout_arn(version))

    world.table.before_write = newer_comes
    assert world.prepare(1).outcome == "superseded"
    world.drain()
    assert world.executions.names[-1] == f"m-v{version}-2"


def test_a_rollout_that_waits_asks_itself_where_the_other_ended_before_it_could_see_that(world: World) -> None:
    first = world.prepare(1)
    version = another(world, score=0.95)
    world.dispatch(approved_event(version))

    def other_ends() -> None:
        world.finish(first, "failed")
        world.drain()  # finds the second one still running

    world.table.before_write = other_ends
    assert world.prepare(version).outcome == "superseded"
    world.executions.ended.add(rollout_arn(version))
    world.drain()
    assert world.executions.names[-1] == f"m-v{version}-2"


@pytest.mark.parametrize(("at", "started"), [("2026-01-01T00:00:00Z", False), ("2027-01-01T00:00:00Z", True)])
def test_an_approval_is_taken_up_again_only_where_it_is_a_new_one(world: World, at: str, started: bool) -> None:
    world.registry.judge(World.arn(1), Status.REJECTED, "no")
    assert world.prepare().outcome == "superseded"
    world.executions.ended.add(rollout_arn(1))
    world.registry.judge(World.arn(1), Status.APPROVED, "after all")
    world.dispatch(approved_event(1, at))
    assert ("m-v1-2" in world.executions.names) is started


def test_a_model_that_was_taken_away_and_comes_back_begins_again_with_the_data_it_had(world: World) -> None:
    world.dispatch(wish("code-1", Cause.CODE))
    world.deploy(1)
    world.registry.packages.clear()
    world.registry.forget_tokens()
    world.endpoints.states.clear()

    world.ledger.forget_results("m")
    world.dispatch(wish("code-1", Cause.CODE))
    world.run_to_package()
    world.deploy(1)

    assert len(world.ledger.accepted("m")) == 1
    assert world.ledger.endpoint("m").version == 1
    assert [run.run for run in world.ledger.runs("m")] == ["m-2-1"]


def test_what_a_rollout_that_died_left_behind_is_nothing_to_go_back_to(world: World) -> None:
    first = world.prepare()
    world.endpoints.states[first.endpoint] = EndpointState("InService", first.name)
    world.executions.ended.add("arn:rollout:m-v1-1")
    again = world.prepare(1, 2)
    assert (again.outcome, again.exists, again.alive, again.previous_config) == ("proceed", True, True, "")


def test_the_config_to_go_back_to_is_the_one_that_was_promoted_and_not_what_serves_by_chance(world: World) -> None:
    world.deploy()
    promoted = world.ledger.endpoint("m").config
    another(world, champion=0.8)
    rollout = world.prepare(2, 1)
    world.endpoints.states[rollout.endpoint] = EndpointState("InService", rollout.name)
    world.executions.ended.add("arn:rollout:m-v2-1")
    assert world.prepare(2, 2).previous_config == promoted


def test_an_endpoint_that_was_there_before_us_is_what_we_go_back_to(world: World) -> None:
    world.endpoints.states["retide-dev-m"] = EndpointState("InService", "made-by-hand")
    assert world.prepare().previous_config == "made-by-hand"


def test_rollouts_that_end_before_they_can_say_how_are_recorded_and_given_up_after_three(world: World) -> None:
    for attempt in range(1, 4):
        world.executions.ended.add(rollout_arn(1, attempt))
        world.reconcile()
    assert [release.verdict for release in world.ledger.releases("m")] == ["failed"] * 3
    assert "version 1 failed to roll out 3 times" in world.reconcile().acts[0]
    assert "m-v1-5" not in world.executions.names


def test_a_version_may_be_served_anew_as_often_as_its_endpoint_goes_away(world: World) -> None:
    world.deploy()
    for _ in range(25):
        world.endpoints.states.clear()
        world.reconcile()
        attempt = int(world.executions.names[-1].rpartition("-")[2])
        rollout = world.prepare(1, attempt)
        world.serve(rollout)
        world.finish(rollout, world.check(rollout).outcome, 1, attempt)
    assert world.executions.names[-1] == "m-v1-26"
    assert {release.verdict for release in world.ledger.releases("m")} == {"promoted"}


# Going back.


def back(served: int, to: int, changes: Mapping[str, object] | None = None) -> dict[str, object]:
    return {**rollback_message("m", served, to, "it hurts", "k"), **(changes or {})}


@pytest.fixture
def twice(world: World) -> World:
    """Version 1 served, version 2 does."""
    world.deploy(1)
    world.deploy(another(world, score=0.95, champion=0.9))
    return world


def test_going_back_withdraws_what_serves_and_rolls_out_what_served_before(twice: World) -> None:
    twice.dispatch(back(2, 1))
    assert twice.executions.names[-1] == "m-v1-2"
    assert twice.ledger.endpoint("m").withdrawn == (2,)
    assert twice.registry.describe(World.arn(2)).status is Status.REJECTED
    rollout = twice.prepare(1, 2)
    assert rollout.reason == "version 1 served before; version 2, which took its place, was withdrawn"
    twice.serve(rollout)
    assert twice.finish(rollout, "healthy", attempt=2).outcome == "promoted"
    assert "version 2, which was withdrawn: it hurts" in twice.ledger.releases("m")[1].reason
    note = twice.ledger.withdrawal("m", 2)
    assert note
    assert note.reason == "it hurts"


def test_a_rollback_that_comes_twice_is_one(twice: World) -> None:
    twice.dispatch(back(2, 1), back(2, 1))
    rollout = twice.prepare(1, 2)
    twice.serve(rollout)
    twice.finish(rollout, "healthy", attempt=2)
    twice.dispatch(back(2, 1))
    assert twice.executions.names[-1] == "m-v1-2"


def test_a_version_that_was_gone_back_from_is_not_deployed_by_a_new_approval(twice: World) -> None:
    twice.dispatch(back(2, 1))
    twice.registry.judge(World.arn(2), Status.APPROVED, "by accident")
    twice.dispatch(approved_event(2))
    assert "m-v2-2" not in twice.executions.names


def test_a_rollback_from_a_version_that_serves_no_more_changes_nothing(twice: World) -> None:
    twice.dispatch(back(3, 1))
    assert twice.ledger.endpoint("m").withdrawn == ()


@pytest.mark.parametrize(
    "wish", [back(2, 1, wrong) for wrong in ({"to": 2}, {"to": 0}, {"to": "1"}, {"to": True}, {"key": ""})]
)
def test_a_rollback_that_makes_no_sense_is_refused(twice: World, wish: dict[str, object]) -> None:
    assert len(twice.dispatch(wish).refusals) == 1
    assert twice.ledger.endpoint("m").withdrawn == ()


def test_a_version_that_is_not_approved_cannot_be_gone_back_to(twice: World) -> None:
    twice.registry.judge(World.arn(1), Status.REJECTED, "no")
    (refusal,) = twice.dispatch(back(2, 1)).refusals
    assert refusal.reason == "version 1 cannot serve again; those that served and may: none"
    assert twice.ledger.endpoint("m").withdrawn == ()


def test_a_version_that_rolled_back_by_itself_is_marked_in_the_registry(world: World) -> None:
    world.finish(world.prepare(), "wrong answers")
    package = world.registry.describe(World.arn(1))
    assert (package.status, package.reason) == (Status.REJECTED, "withdrawn: because")


def test_a_withdrawal_and_the_end_of_a_rollout_that_meet_are_both_kept(twice: World) -> None:
    version = another(twice, score=0.97, champion=0.95)
    twice.dispatch(approved_event(version))
    rollout = twice.prepare(version)
    twice.table.before_write = lambda: twice.ledger.withdraw_versions("m", (2,), "it hurts")
    twice.finish(rollout, "wrong answers", version)
    assert twice.ledger.endpoint("m").withdrawn == (2, version)


# In time, and before anybody depends on it.


@pytest.mark.parametrize(("limit", "outcome"), [(None, "healthy"), (300, "healthy"), (200, "slow")])
def test_right_answers_that_take_too_long_are_no_good(world: World, limit: int | None, outcome: str) -> None:
    """The timer says that each takes 0.25 s."""
    world.contract = {**world.contract, "serving": {"latency_ms": limit} if limit else {}}
    rollout = world.prepare()
    world.serve(rollout)
    ticks = count()
    world.timer = lambda: next(ticks) * 0.25
    check = world.check(rollout)
    assert check.outcome == outcome
    assert ("takes 250 ms" in check.reason, "at most 200 ms" in check.reason) == (outcome == "slow",) * 2


@pytest.mark.parametrize("good", [3, 40, 90])
def test_what_fails_after_some_requests_fails_on_trial(world: World, good: int) -> None:
    rollout = world.prepare()
    world.serve(rollout)
    right, asked = world.endpoints.answer, count()

    def fails(body: bytes) -> bytes:
        if next(asked) < good:
            return right(body)
        raise InvocationFailed("out of memory")

    world.endpoints.answer = fails
    check = world.check(rollout, trial=True)
    assert check.outcome == "wrong answers"
    assert check.reason.startswith("before it took any traffic: ")
    assert ("under load, " in check.reason, "out of memory" in check.reason) == (good > 6, True)


def test_a_version_that_bears_load_passes_its_trial_and_an_endpoint_that_serves_gets_none(world: World) -> None:
    rollout = world.prepare()
    world.serve(rollout)
    right, asked = world.endpoints.answer, count()

    def counted(body: bytes) -> bytes:
        next(asked)
        return right(body)

    world.endpoints.answer = counted
    assert world.check(rollout).outcome == "healthy"
    assert next(asked) < 10
    assert world.check(rollout, trial=True).outcome == "healthy"
    assert next(asked) > 100


def test_a_slow_version_is_rolled_back_and_never_serves_again(twice: World) -> None:
    version = another(twice, score=0.97, champion=0.95)
    twice.dispatch(approved_event(version))
    assert twice.finish(twice.prepare(version), "slow", version).outcome == "rolled back"
    assert version in twice.ledger.endpoint("m").withdrawn


def test_only_what_takes_the_place_of_another_and_was_never_asked_is_tried_first(world: World) -> None:
    assert not world.prepare().trial
    world.deploy(1)
    version = another(world, score=0.95, champion=0.9)
    world.dispatch(approved_event(version))
    rollout = world.prepare(version)
    assert rollout.trial
    world.serve(rollout)
    world.finish(rollout, "healthy", version)
    world.dispatch(back(version, 1))
    assert not world.prepare(1, 2).trial


@pytest.mark.parametrize(
    ("state", "outcome"), [("InService", "healthy"), ("Failed", "does not start"), (None, "does not start")]
)
def test_a_trial_says_that_nobody_was_served(world: World, state: str | None, outcome: str) -> None:
    rollout = world.prepare()
    world.serve(rollout)
    if state:
        world.endpoints.states[rollout.name] = EndpointState(state, rollout.name, "no ping")
    check = check_rollout(
        CheckRequest("m", World.arn(1), rollout.name, rollout.name, trial=True),
        Checking(world.endpoints, world.objects, world.registry, world.parsed),
    )
    assert check.outcome == outcome
    assert check.reason.startswith("before it took any traffic: ") == (outcome != "healthy")


def test_a_rollout_that_died_leaves_no_trial_endpoint(twice: World) -> None:
    version = another(twice, score=0.97, champion=0.95)
    twice.dispatch(approved_event(version))
    rollout = twice.prepare(version)
    twice.hosting.made[Kind.ENDPOINT] += [rollout.name, "retide-dev-n-v1-abcdef"]
    twice.executions.ended.add(rollout_arn(version))
    twice.reconcile()
    assert twice.hosting.made[Kind.ENDPOINT] == ["retide-dev-n-v1-abcdef"]


# On instances, and from one kind of endpoint to the other.

INSTANCES = {"profile": "instance", "instances": 4, "traffic": "linear", "step_percent": 25, "latency_ms": 300}


def test_on_instances_a_version_comes_in_steps_that_alarms_watch(world: World) -> None:
    world.contract = {**world.contract, "serving": INSTANCES}
    rollout = world.prepare()
    assert rollout.endpoint == "retide-dev-m-instances"
    assert rollout.name.startswith("retide-dev-m-instances-v1-")
    (variant,) = rollout.variants
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.m5.large", 4)
    policy = rollout.deployment["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {
        "Type": "LINEAR",
        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 600,
    }
    alarms = [alarm["AlarmName"] for alarm in rollout.deployment["AutoRollbackConfiguration"]["Alarms"]]
    assert alarms == ["retide-dev-m-errors", "retide-dev-m-latency", "retide-dev-m-shift"]
    assert rollout.capture["DestinationS3Uri"] == "s3://bucket/captures/m"


def test_on_instances_there_is_no_trial(world: World) -> None:
    world.contract = {**world.contract, "serving": INSTANCES}
    world.deploy(1)
    version = another(world, score=0.95, champion=0.9)
    world.dispatch(approved_event(version))
    rollout = world.prepare(version)
    assert (bool(rollout.previous_config), rollout.trial) == (True, False)


@pytest.fixture
def moving(world: World) -> World:
    """Version 1 serves without servers, and its contract asks for instances since."""
    world.deploy(1)
    assert world.aliases.endpoints == {"m": "retide-dev-m"}
    world.contract = {**world.contract, "serving": INSTANCES}
    return world


def test_another_profile_is_another_endpoint_and_clients_follow_when_it_serves(moving: World) -> None:
    acts = moving.reconcile().acts
    assert acts == ("m: started a rollout of version 1, which is approved and not served",)
    rollout = moving.prepare(1, 2)
    assert (rollout.outcome, rollout.endpoint, rollout.exists) == ("proceed", "retide-dev-m-instances", False)
    assert moving.aliases.endpoints == {"m": "retide-dev-m"}
    moving.serve(rollout)
    moving.finish(rollout, "healthy", attempt=2)
    assert moving.aliases.endpoints == {"m": "retide-dev-m-instances"}
    stands = moving.ledger.endpoint("m")
    assert (stands.version, stands.endpoint, stands.retired) == (1, "retide-dev-m-instances", "retide-dev-m")
    assert "retide-dev-m" in moving.endpoints.states


def test_the_endpoint_that_clients_have_left_goes_an_hour_later_with_all_that_was_its_own(moving: World) -> None:
    moving.reconcile()
    rollout = moving.prepare(1, 2)
    moving.serve(rollout)
    moving.finish(rollout, "healthy", attempt=2)
    old, new = "retide-dev-m-v1-abcdef", rollout.name
    for kind in (Kind.CONFIG, Kind.MODEL):
        moving.hosting.made[kind] += [old, new]
    moving.clock.time += timedelta(minutes=59)
    assert moving.reconcile().acts == ()
    moving.clock.time += timedelta(minutes=1)
    (act,) = moving.reconcile().acts
    assert act.startswith("m: took away retide-dev-m: clients ask retide-dev-m-instances since")
    assert moving.hosting.deleted == ["retide-dev-m", old, old]
    assert moving.reconcile().acts == ()


def test_whoever_goes_back_to_the_profile_before_the_hour_is_over_keeps_that_endpoint(moving: World) -> None:
    moving.reconcile()
    rollout = moving.prepare(1, 2)
    moving.serve(rollout)
    moving.finish(rollout, "healthy", attempt=2)
    moving.contract = {**moving.contract, "serving": {}}
    moving.endpoints.states["retide-dev-m"] = EndpointState("InService", "something")
    moving.reconcile()
    back_again = moving.prepare(1, 3)
    moving.serve(back_again)
    moving.finish(back_again, "healthy", attempt=3)
    stands = moving.ledger.endpoint("m")
    assert (stands.endpoint, stands.retired) == ("retide-dev-m", "retide-dev-m-instances")


def test_what_serves_is_not_withdrawn_where_it_fails_on_the_other_kind_of_endpoint(moving: World) -> None:
    moving.reconcile()
    rollout = moving.prepare(1, 2)
    assert moving.finish(rollout, "wrong answers", attempt=2).outcome == "failed"
    stands = moving.ledger.endpoint("m")
    assert (stands.version, stands.endpoint, stands.withdrawn) == (1, "retide-dev-m", ())
    assert moving.aliases.endpoints == {"m": "retide-dev-m"}
