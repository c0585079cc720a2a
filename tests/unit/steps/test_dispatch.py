"""Dispatch: everything that may arrive, twice, late, out of order or not meant for us."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retide.domain.ledger import Cause
from retide.ports import Machine
from tests.unit.steps.world import World, approved_event, s3_event, wish


def test_a_file_starts_one_run_of_its_model(world: World) -> None:
    report = world.dispatch(world.put("incoming/m/a.csv"))
    assert report.failed == {}
    assert world.executions.started == [
        (
            Machine.RETRAIN,
            "m-1-1",
            {"model": "m", "generation": 1, "attempt": 1, "run": "m-1-1", "settle_seconds": 0},
        )
    ]
    assert world.states() == {"incoming/m/a.csv": "pending"}


def test_the_same_event_many_times_is_one_object_and_one_run(world: World) -> None:
    event = world.put()
    for _ in range(3):
        world.dispatch(event, event)
    assert world.executions.names == ["m-1-1"]
    assert len(world.ledger.objects("m")) == 1


def test_many_files_are_one_run(world: World) -> None:
    world.dispatch(*(world.put(f"incoming/m/{n}.csv") for n in range(10)))
    assert world.executions.names == ["m-1-1"]
    assert len(world.ledger.waiting("m").objects) == 10


def test_a_corrected_file_under_the_same_name_is_another_object(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv", b"wrong"))
    world.dispatch(world.put("incoming/m/a.csv", b"right"))
    assert [item.version for item in world.ledger.objects("m")] == ["v1", "v2"]


def test_an_event_without_a_version_means_the_current_one(world: World) -> None:
    world.put("incoming/m/a.csv")
    world.dispatch(s3_event("incoming/m/a.csv", None))
    assert [item.version for item in world.ledger.objects("m")] == ["v1"]


@pytest.mark.parametrize("name", ["größe 1+2&3.csv", "数据 %2F.csv", "a'b\"c\\d.csv", "🌊.csv", "x" * 900, ".csv"])
def test_any_name_of_a_file_is_a_name(world: World, name: str) -> None:
    world.dispatch(world.put(f"incoming/m/{name}"))
    assert world.states() == {f"incoming/m/{name}": "pending"}


def test_two_models_get_a_run_each(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/n/a.csv"))
    assert world.executions.names == ["m-1-1", "n-1-1"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (s3_event("incoming/unknown/a.csv", "v1"), "no model 'unknown'; this deployment has m, n"),
        (s3_event("elsewhere/m/a.csv", "v1"), "incoming/<model>/"),
        (s3_event("incoming/a.csv", "v1"), "incoming/<model>/"),
        (s3_event("incoming/m/", "v1"), "a folder"),
        (s3_event("incoming/../m/a.csv", "v1"), "incoming/<model>/"),
        (s3_event("incoming/m/a.csv", "v1", bucket="foreign"), "bucket 'foreign'"),
        (s3_event("incoming/m/gone.csv", "v9"), "deleted before"),
        ({"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}, "detail.object"),
        ({"source": "aws.s3", "detail-type": "Object Restored", "detail": {}}, "no event of this kind"),
        ({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {}}}, "detail.object"),
        ({"retide": 2, "kind": "retrain"}, "schema 2"),
        ({"retide": 1, "kind": "dance", "model": "m", "key": "k"}, "is none of retrain, rollout"),
        ({"retide": 1, "kind": "retrain", "model": "q", "cause": "person", "reason": "r", "key": "k"}, "no model 'q'"),
        ({"retide": 1, "kind": "retrain", "model": "m", "cause": "data", "reason": "r", "key": "k"}, "cause 'data'"),
        ({"retide": 1, "kind": "retrain", "model": "m", "cause": "code", "reason": "r", "key": "a b"}, "key 'a b'"),
        ("not JSON", "JSON object"),
        ("[1, 2]", "JSON object"),
        ("null", "JSON object"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_reason_and_nothing_else_happens(
    world: World, message: Any, reason: str
) -> None:
    for _ in range(2):
        report = world.dispatch(message)
        assert report.failed == {}
        assert report.counts == {"refused": 1}
    (refusal,) = world.ledger.refusals()
    assert reason in refusal.reason
    assert refusal.message["text"] == (message if isinstance(message, str) else json.dumps(message))
    assert world.executions.names == []


HALF = "\ud800"  # half of a character: JSON can hold it, nothing else can


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("[" * 100_000, "JSON object"),
        (s3_event(f"incoming/m/{'k' * 3000}", "v1"), "detail.object.key has 3011 bytes"),
        (s3_event("incoming/m/a.csv", "v" * 3000), "detail.object.version-id has 3000 bytes"),
        (s3_event(f"incoming/m/{HALF}.csv", "v1"), "detail.object.key is not valid Unicode"),
        ({"retide": 1, "kind": "retrain", "model": HALF, "key": "k"}, "model is not valid Unicode"),
        ({"retide": 1, "kind": "retrain", "model": ["m" * 200_000], "key": "k"}, "model must be text, not ['mmm"),
        ({"retide": 1, "kind": "retrain", "model": "m" * 200_000, "key": "k"}, "model has 200000 bytes"),
        ({"retide": 1, "kind": "x" * 200_000, "model": "m", "key": "k"}, "is none of retrain, rollout"),
        ({"source": "x" * 200_000, "detail-type": HALF}, "no event of this kind"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_monstrous_is_refused_in_an_item_that_the_ledger_can_hold(
    world: World, message: Any, reason: str
) -> None:
    report = world.dispatch(message)
    assert (report.failed, report.counts) == ({}, {"refused": 1})
    (refusal,) = world.ledger.refusals()
    assert reason in refusal.reason
    assert len(refusal.reason.encode()) < 500
    assert len(refusal.subject.encode()) <= 4096
    assert len(refusal.message["text"]) <= 10_000


def test_an_event_that_comes_again_after_its_object_was_deleted_is_known_and_no_refusal(world: World) -> None:
    event = world.put("incoming/m/a.csv")
    world.dispatch(event)
    world.objects.delete("incoming/m/a.csv")
    assert world.dispatch(event).counts == {"known": 1}
    assert world.ledger.refusals() == ()


def test_a_poisoned_message_comes_again_alone(world: World) -> None:
    good, bad = world.put("incoming/m/good.csv"), world.put("incoming/n/bad.csv")

    def broken() -> None:
        raise ConnectionError("the table is not there")

    world.table.before_write = broken
    report = world.dispatch(bad, good)
    assert report.failed == {"message-0": "ConnectionError: the table is not there"}
    assert world.executions.names == ["m-1-1"]
    assert world.dispatch(bad).failed == {}
    assert world.executions.names == ["m-1-1", "n-1-1"]


def test_where_no_run_can_be_started_the_messages_of_that_model_come_again(world: World) -> None:
    world.executions.refuses = "m"
    report = world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/n/a.csv"), world.put("incoming/m/b.csv"))
    assert report.failed == dict.fromkeys(
        ("message-0", "message-2"), "ConnectionError: no execution of m can be started"
    )


# Batches.


def test_the_files_of_a_batch_wait_for_its_marker(world: World) -> None:
    world.dispatch(world.put("incoming/m/day/1.csv"), world.put("incoming/m/day/2.csv"))
    assert world.executions.names == []
    assert len(world.ledger.held("m")) == 2
    world.dispatch(world.put("incoming/m/day/_SUCCESS"))
    assert world.executions.names == ["m-1-1"]
    assert len(world.ledger.waiting("m").objects) == 2
    assert world.ledger.held("m") == ()


def test_a_marker_that_comes_first_lets_its_files_through(world: World) -> None:
    world.dispatch(world.put("incoming/m/day/_SUCCESS"))
    assert world.executions.names == []
    world.dispatch(world.put("incoming/m/day/1.csv"))
    assert len(world.ledger.waiting("m").objects) == 1
    assert world.executions.names == ["m-1-1"]


def test_a_marker_completes_its_own_batch_only(world: World) -> None:
    world.dispatch(world.put("incoming/m/one/1.csv"), world.put("incoming/m/two/1.csv"))
    world.dispatch(world.put("incoming/m/one/_SUCCESS"))
    assert [version.key for version in world.ledger.waiting("m").objects] == ["incoming/m/one/1.csv"]
    assert [version.key for version in world.ledger.held("m")] == ["incoming/m/two/1.csv"]


def test_a_marker_that_slips_in_while_its_file_is_written_does_not_leave_it_behind(world: World) -> None:
    event, marker = world.put("incoming/m/day/1.csv"), world.put("incoming/m/day/_SUCCESS")

    def marker_arrives() -> None:
        world.dispatch(marker)

    world.table.before_write = marker_arrives
    world.dispatch(event)
    assert world.ledger.held("m") == ()
    assert len(world.ledger.waiting("m").objects) == 1


def test_a_marker_without_a_batch_is_refused(world: World) -> None:
    world.dispatch(world.put("incoming/m/_SUCCESS"))
    assert "batch folder" in world.ledger.refusals()[0].reason


# Requests.


def test_a_wish_of_a_person_starts_a_run_once(world: World) -> None:
    world.dispatch(wish("k1"))
    world.dispatch(wish("k1"))
    assert world.executions.names == ["m-1-1"]
    assert [request.key for request in world.ledger.waiting("m").requests] == ["k1"]


def test_new_code_starts_nothing_before_the_first_data_and_joins_the_first_run(world: World) -> None:
    world.dispatch(wish("code-1", Cause.CODE))
    assert world.executions.names == []
    world.dispatch(world.put())
    assert world.claim().causes == ("data", "code")


def test_a_successor_message_where_nothing_waits_starts_nothing(world: World) -> None:
    world.dispatch(wish("after-m-1-1", Cause.SUCCESSOR))
    assert world.executions.names == []
    assert not world.ledger.waiting("m")


# Attempts.


def test_an_execution_that_died_before_claim_costs_an_attempt_and_not_the_data(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    world.executions.ended.add("arn:retrain:m-1-1")
    world.dispatch(world.put("incoming/m/b.csv"))
    assert world.executions.names == ["m-1-1", "m-1-2"]
    assert len(world.claim(1, 2).objects) == 2


# Rollouts.


def test_an_approval_starts_one_rollout_however_often_it_is_told(world: World) -> None:
    for _ in range(3):
        world.dispatch(approved_event(1))
    assert world.executions.started == [
        (Machine.ROLLOUT, "m-v1-1", {"model": "m", "version": 1, "package_arn": World.arn(1), "attempt": 1})
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"ModelApprovalStatus": "Rejected"},
        {"ModelApprovalStatus": "PendingManualApproval"},
        {"UpdatedModelPackageFields": ["CustomerMetadataProperties"]},
        {"ModelPackageGroupName": "retide-prod-m"},
        {"ModelPackageVersion": "1"},
    ],
)
def test_what_is_no_approval_of_ours_starts_nothing(world: World, changes: dict[str, Any]) -> None:
    event = approved_event(1)
    event["detail"] |= changes
    assert world.dispatch(event).counts == {"refused": 1}
    assert world.executions.names == []


def test_an_approval_event_without_the_field_that_says_what_changed_counts(world: World) -> None:
    event = approved_event(1)
    del event["detail"]["UpdatedModelPackageFields"]
    world.dispatch(event)
    assert world.executions.names == ["m-v1-1"]


def test_a_rollout_that_died_without_a_record_is_started_again(world: World) -> None:
    world.dispatch(approved_event(1))
    world.executions.ended.add("arn:rollout:m-v1-1")
    world.dispatch(approved_event(1))
    assert world.executions.names == ["m-v1-1", "m-v1-2"]
