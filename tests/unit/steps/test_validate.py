"""Validate: every claimed object gets one outcome, the same one however often and wherever the function dies."""

import hashlib
import json

import pytest

from retide.domain import layout
from retide.domain.layout import RunId
from retide.domain.ledger import ObjectState
from retide.ports import Fenced
from retide.steps.validate import ValidationCrashed
from tests.unit.churn import CHURN
from tests.unit.data.tables import changed, csv_text, rows
from tests.unit.steps.data_world import Crash, DataWorld

GOOD, BAD = rows(), changed(3, "plan", "gold")


@pytest.fixture
def data() -> DataWorld:
    return DataWorld()


def test_a_good_file_is_accepted_as_curated_rows_with_its_verdict(data: DataWorld) -> None:
    data.arrive(GOOD)
    run, fence, _ = data.take()
    assert data.validate(run, fence).outcome is ObjectState.ACCEPTED
    (accepted,) = data.ledger.accepted("m")
    assert (accepted.rows, accepted.event_from) == (20, "2026-01-01T12:00:00+00:00")
    assert accepted.event_to == "2026-01-20T12:00:00+00:00"
    assert hashlib.sha256(data.objects.get(layout.curated("m", accepted.curated))).hexdigest() == accepted.curated
    verdict = data.document(accepted.verdict)
    assert verdict["accepted"]
    assert verdict["object"] == {
        "key": "incoming/m/000.csv", "version": "v1", "id": accepted.id, "size": len(csv_text(GOOD)), "etag": "etag-v1",
    }  # fmt: skip
    assert verdict["profile"]["rows"] == 20


def test_a_bad_file_goes_to_quarantine_byte_for_byte_with_its_report(data: DataWorld) -> None:
    data.arrive(BAD)
    run, fence, _ = data.take()
    result = data.validate(run, fence)
    assert result.outcome is ObjectState.QUARANTINED
    assert result.reason.startswith("column plan: expected one of basic, pro, seen 1 row with another value.")
    (record,) = data.ledger.objects("m")
    assert data.objects.get(layout.quarantined("m", record.id)) == csv_text(BAD).encode()
    report = data.document(layout.quarantine_report("m", record.id))
    assert report == data.document(record.verdict or "")
    assert report["findings"][0]["examples"] == [{"row": 3, "value": "gold"}]
    assert data.ledger.accepted("m") == ()


@pytest.mark.parametrize("again", [csv_text(GOOD).encode(), csv_text(GOOD, delimiter=";").encode()])
def test_the_same_rows_again_are_a_duplicate_whatever_they_look_like(data: DataWorld, again: bytes) -> None:
    data.arrive(GOOD, again)
    run, fence, _ = data.take()
    assert [data.validate(run, fence, index).outcome for index in (0, 1)] == ["accepted", "duplicate"]
    assert len(data.ledger.accepted("m")) == 1


def test_the_version_that_arrived_is_judged_whatever_came_after_it(data: DataWorld) -> None:
    data.dispatch(data.put("incoming/m/a.csv", csv_text(GOOD).encode()))
    run, fence, _ = data.take()
    data.objects.put("incoming/m/a.csv", b"")
    assert data.validate(run, fence).outcome is ObjectState.ACCEPTED


def test_an_object_that_was_deleted_is_withdrawn(data: DataWorld) -> None:
    data.arrive(GOOD)
    run, fence, _ = data.take()
    data.objects.delete("incoming/m/000.csv")
    assert data.validate(run, fence).outcome is ObjectState.WITHDRAWN
    assert list(data.states().values()) == ["withdrawn"]


@pytest.mark.parametrize("file", [GOOD, BAD])
@pytest.mark.parametrize("crash_at", [0, 1, 2, 3])
def test_a_crash_before_any_write_changes_nothing_in_the_end(
    data: DataWorld, file: list[list[object]], crash_at: int
) -> None:
    undisturbed = DataWorld()
    for world in (data, undisturbed):
        world.arrive(file)
    run, fence, _ = data.take()
    data.objects.crash_at = crash_at
    try:
        data.validate(run, fence)
    except Crash:
        assert "claimed" in data.states().values()
    data.objects.crash_at = None
    undisturbed.take()
    assert data.validate(run, fence).outcome is undisturbed.validate(run, fence).outcome
    assert data.ledger.accepted("m") == undisturbed.ledger.accepted("m")
    assert {key: versions[-1][1] for key, versions in data.objects.versions.items()} == {
        key: versions[-1][1] for key, versions in undisturbed.objects.versions.items()
    }


def test_what_was_judged_is_not_judged_again(data: DataWorld) -> None:
    data.arrive(GOOD)
    run, fence, _ = data.take()
    assert [data.validate(run, fence).outcome for _ in range(2)] == [ObjectState.ACCEPTED] * 2
    assert data.judge.calls == 1


def test_a_stale_holder_of_the_lease_accepts_nothing(data: DataWorld) -> None:
    data.arrive(GOOD)
    run, fence, _ = data.take()
    with pytest.raises(Fenced):
        data.validate(run, fence - 1)
    assert data.ledger.accepted("m") == ()


def test_an_object_that_the_run_has_not_claimed_is_refused(data: DataWorld) -> None:
    data.arrive(GOOD)
    run, fence, _ = data.take()
    data.arrive(rows(22))
    late = data.ledger.objects("m")[1].id
    with pytest.raises(LookupError, match=f"{run} has not claimed the object {late}"):
        data.validate_object(run, fence, late)


# What its manifest says.


@pytest.mark.parametrize(("content", "outcome"), [(GOOD, "accepted"), (rows(21), "quarantined")])
def test_a_file_of_a_batch_must_have_the_digest_that_its_manifest_lists(
    data: DataWorld, content: list[list[object]], outcome: str
) -> None:
    digest = hashlib.sha256(csv_text(GOOD).encode()).hexdigest()
    manifest = json.dumps([{"name": "a.csv", "sha256": digest}]).encode()
    data.dispatch(data.put("incoming/m/day/manifest.json", manifest))
    data.dispatch(data.put("incoming/m/day/a.csv", csv_text(content).encode()))
    run, fence, _ = data.take()
    result = data.validate(run, fence)
    assert result.outcome == outcome
    assert (f"the sha256 {digest} of its batch's manifest" in result.reason) is (outcome == "quarantined")


# What cannot be judged.

POISON = b"age,\xff\x00poison"


def validate_to_its_end(data: DataWorld, run: str, fence: int, index: int = 0) -> list[str]:
    """As the state machine does it: what each attempt came to."""
    seen = []
    for _ in range(5):
        try:
            seen.append(data.validate(run, fence, index).outcome.value)
        except ValidationCrashed:
            seen.append("crashed")
            continue
        break
    return seen


def test_a_file_whose_validation_crashes_is_quarantined_unjudged_after_three_attempts(data: DataWorld) -> None:
    data.judge.poison = b"poison"
    data.arrive(POISON, GOOD)
    run, fence, _ = data.take()
    assert validate_to_its_end(data, run, fence, 0) == ["crashed"] * 3 + ["quarantined"]
    assert data.validate(run, fence, 1).outcome is ObjectState.ACCEPTED
    (record,) = (item for item in data.ledger.objects("m") if item.state is ObjectState.QUARANTINED)
    assert data.objects.get(layout.quarantined("m", record.id)) == POISON
    report = data.document(layout.quarantine_report("m", record.id))
    assert report["findings"][0]["seen"] == "3 attempts that broke off, the last one: MemoryError: no more of it"


def test_attempts_that_were_killed_without_a_word_count_as_well(data: DataWorld) -> None:
    data.arrive(GOOD)
    run, fence, _ = data.take()
    (item,) = data.ledger.claimed(RunId.parse(run)).objects
    data.ledger.begin_judging(RunId.parse(run), fence, item.id, 3)
    result = data.validate(run, fence)
    assert result.outcome is ObjectState.QUARANTINED
    assert "without a word" in result.reason
    assert data.judge.calls == 0


def test_attempts_that_broke_off_are_remembered_by_the_next_run(data: DataWorld) -> None:
    data.judge.poison = b"poison"
    data.arrive(POISON)
    run, fence, _ = data.take()
    for _ in range(2):
        with pytest.raises(ValidationCrashed):
            data.validate(run, fence)
    data.release("failed", run, fence)
    data.ask()
    assert validate_to_its_end(data, *data.take()[:2]) == ["crashed", "quarantined"]


def test_judging_that_came_to_an_end_is_held_against_no_file(data: DataWorld) -> None:
    data.judge.poison = csv_text(GOOD).encode()
    data.arrive(GOOD)
    run, fence, _ = data.take()
    with pytest.raises(ValidationCrashed):
        data.validate(run, fence)
    data.judge.poison = None
    data.objects.crash_at = 0
    with pytest.raises(Crash):
        data.validate(run, fence)
    (item,) = data.ledger.claimed(RunId.parse(run)).objects
    assert (item.tries, item.crash) == (0, None)


def test_a_poisoned_file_that_was_deleted_meanwhile_is_withdrawn(data: DataWorld) -> None:
    data.arrive(GOOD)
    run, fence, _ = data.take()
    (item,) = data.ledger.claimed(RunId.parse(run)).objects
    data.ledger.begin_judging(RunId.parse(run), fence, item.id, 3)
    data.objects.delete("incoming/m/000.csv")
    assert data.validate(run, fence).outcome is ObjectState.WITHDRAWN


# In part.

STRICT = {
    **CHURN,
    "columns": {**CHURN["columns"], "customer": {"type": "string", "unique": "everywhere"}},
    "policy": {"min_rows": 10, "reject_rows": 0.2},
}


def test_the_rows_of_a_file_that_break_a_rule_lie_in_quarantine_and_the_others_are_accepted() -> None:
    data = DataWorld(contract=dict(STRICT))
    data.arrive(BAD)
    run, fence, _ = data.take()
    assert data.validate(run, fence).outcome is ObjectState.ACCEPTED
    (record,) = data.ledger.objects("m")
    assert (record.rows, record.rejected) == (19, 1)
    header, taken = data.objects.get(layout.quarantined_rows("m", record.id)).decode().splitlines()
    assert header.startswith("row,rules,customer,")
    assert "gold" in taken
    report = data.document(layout.quarantine_report("m", record.id))
    assert [(found["rule"], found["severity"]) for found in report["findings"]] == [("values", "quarantine")]


@pytest.mark.parametrize("crash_at", range(5))
def test_a_file_in_part_ends_the_same_wherever_its_judging_breaks_off_and_meets_its_own_keys_never(
    crash_at: int,
) -> None:
    data = DataWorld(contract=dict(STRICT))
    data.arrive(BAD)
    run, fence, _ = data.take()
    data.objects.crash_at = crash_at
    with pytest.raises(Crash):
        data.validate(run, fence)
    data.objects.crash_at = None
    assert data.validate(run, fence).outcome is ObjectState.ACCEPTED
    (record,) = data.ledger.objects("m")
    assert (record.rows, record.rejected) == (19, 1)
    data.release("empty", run, fence)
    data.arrive(BAD, GOOD)
    run, fence, _ = data.take()
    assert data.validate(run, fence, 0).outcome is ObjectState.DUPLICATE
    assert "19 of 20 rows (95.00%)" in data.validate(run, fence, 1).reason
