"""What comes in: odd keys, both of S3's languages, foreign events, batches with a manifest, deletions, receipts."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import pytest

from retide.domain import layout
from retide.domain.accounting import balance
from retide.domain.events import backfill_end_message, backfill_message
from retide.domain.layout import ObjectVersion, RunId
from retide.ports import Key, Machine, Start
from tests.fakes import FakeExecutions, FakeTable
from tests.unit.domain.test_s3_events import notification
from tests.unit.steps.world import World, deleted_event, s3_event, version_of, wish

ODD = ["a b", "a+b", "a%2Bb", "../up", "a\x07\x1b[2J", "\u202egnp.exe", "ü", "u\u0308", "🌊", " ", "k" * 900]


def listing(*files: Any) -> bytes:
    return json.dumps({"files": list(files)}).encode()


@pytest.mark.parametrize("name", ODD)
def test_an_odd_key_is_one_object_in_whichever_language_s3_tells_of_it(world: World, name: str) -> None:
    event = world.put(f"incoming/m/{name}" if "/" not in name else f"incoming/m{name[2:]}")
    key = event["detail"]["object"]["key"]
    encoded = quote_plus(key, safe="/")
    world.dispatch(event, notification(encoded, versionId=version_of(world, key).version))
    assert list(world.states()) == [key]


def test_the_two_normal_forms_of_a_name_are_two_objects(world: World) -> None:
    names = {unicodedata.normalize(form, "incoming/m/ü.csv") for form in ("NFC", "NFD")}
    world.dispatch(*(world.put(name) for name in names))
    assert set(world.states()) == names


def test_a_path_that_climbs_leaves_its_model_no_more_than_any_other_name(world: World) -> None:
    world.dispatch(world.put("incoming/m/../../n/a.csv"), world.put("incoming/m/../../n/_SUCCESS"))
    (item,) = world.ledger.objects("m")
    assert (item.key, item.batch) == ("incoming/m/../../n/a.csv", "../../n")
    assert world.ledger.objects("n") == ()


def test_a_key_of_1024_bytes_is_taken_and_a_longer_one_refused(world: World) -> None:
    longest = "incoming/m/" + "k" * (1024 - len("incoming/m/"))
    assert world.dispatch(world.put(longest)).counts == {"arrived": 1}
    assert world.dispatch(s3_event(f"{longest}k", "v1")).counts == {"refused": 1}


def test_an_event_of_another_account_is_refused_and_counted(world: World) -> None:
    event = world.put() | {"account": "999999999999"}
    for _ in range(3):
        assert world.dispatch(event).counts == {"refused": 1}
    assert "account '999999999999' is not this deployment's" in world.ledger.refusals()[0].reason
    assert [receipt.outcome for receipt in world.ledger.receipts("m")] == ["refused"] * 3
    assert world.executions.names == []


def test_foreign_events_are_counted_beside_the_refusals_where_they_name_no_model(world: World) -> None:
    world.dispatch(s3_event("elsewhere/a.csv", "v1"), "no JSON")
    assert [receipt.outcome for receipt in world.ledger.receipts("")] == ["refused", "refused"]


def test_versions_of_a_key_whose_events_overtook_each_other_are_used_in_the_order_of_their_making(world: World) -> None:
    events = [world.put("incoming/m/a.csv", data) for data in (b"1", b"2", b"3")]
    for event, sequencer in zip(events, ("0FF", "100", "0A0B"), strict=True):
        event["detail"]["object"]["sequencer"] = sequencer
    world.dispatch(events[2], world.put("incoming/m/other.csv"), events[0], events[1])
    world.accept_all("m-1-1", world.claim().fence)
    names = [(item.key.rpartition("/")[2], item.version) for item in world.ledger.accepted("m")]
    assert names == [("a.csv", "v1"), ("other.csv", "v4"), ("a.csv", "v2"), ("a.csv", "v3")]


# Receipts.


def test_each_message_has_one_receipt_however_often_it_is_delivered(world: World) -> None:
    event = world.put()
    for _ in range(3):
        world.deliver({"one": event})
    world.deliver({"another": event, "wish": wish()})
    outcomes = {receipt.message: receipt.outcome for receipt in world.ledger.receipts("m")}
    assert outcomes == {"one": "arrived", "another": "known", "wish": "asked"}
    assert world.ledger.objects("m")[0].message == "one"


def test_each_object_of_a_notification_has_a_receipt_of_its_own(world: World) -> None:
    records = [
        notification(world.put(f"incoming/m/{n}.csv")["detail"]["object"]["key"])["Records"][0] for n in range(2)
    ]
    for record, version in zip(records, ("v1", "v2"), strict=True):
        record["s3"]["object"]["versionId"] = version
    world.deliver({"both": {"Records": records}})
    assert sorted(receipt.message for receipt in world.ledger.receipts("m")) == ["both/0", "both/1"]
    assert len(world.states()) == 2


class Unstartable(FakeExecutions):
    def start(self, _machine: Machine, name: str, _payload: Mapping[str, Any]) -> Start:
        raise ConnectionError(f"{name} cannot be started")


def test_a_delivery_that_failed_after_its_object_was_written_starts_its_run_and_is_no_second_receipt(
    world: World,
) -> None:
    event, working = world.put(), world.executions
    world.executions = Unstartable()
    assert list(world.deliver({"one": event}).failed) == ["one"]

    world.executions = working
    assert world.deliver({"one": event}).failed == {}
    assert world.executions.names == ["m-1-1"]
    assert [receipt.outcome for receipt in world.ledger.receipts("m")] == ["arrived"]


def test_an_event_that_comes_again_asks_for_a_run_only_while_no_run_has_its_object(world: World) -> None:
    taken, waiting = world.put("incoming/m/1.csv"), world.put("incoming/m/2.csv")
    world.dispatch(taken)
    world.claim()
    world.dispatch(waiting)

    world.executions = Unstartable()
    assert world.dispatch(taken).failed == {}
    assert "cannot be started" in str(world.dispatch(waiting).failed)


def test_receipts_of_messages_that_come_again_stay_the_first_beside_those_of_new_ones(world: World) -> None:
    first, second = world.put("incoming/m/1.csv"), world.put("incoming/m/2.csv")
    world.deliver({"one": first})
    world.deliver({"one": first, "again": first, "two": second, "more": second})
    found = {receipt.message: receipt.outcome for receipt in world.ledger.receipts("m")}
    assert found == {"one": "arrived", "again": "known", "two": "arrived", "more": "known"}


def test_messages_whose_receipts_cannot_be_written_come_again(world: World) -> None:
    event = world.put()
    world.dispatch(event)

    def broken() -> None:
        raise ConnectionError("the table is not there")

    world.table.before_write = broken
    assert list(world.deliver({"again": event}).failed) == ["again"]


# Manifests.


def test_a_batch_is_whole_when_the_files_of_its_manifest_are_there(world: World) -> None:
    world.dispatch(
        world.put("incoming/m/day/a.csv"), world.put("incoming/m/day/manifest.json", listing("a.csv", "b.csv"))
    )
    assert world.executions.names == []
    (batch,) = world.ledger.open_batches("m")
    assert (batch.held, batch.reason) == (1, "its manifest lists files that have not come: b.csv")
    world.dispatch(world.put("incoming/m/day/b.csv"))
    assert world.executions.names == ["m-1-1"]
    assert len(world.ledger.waiting("m").objects) == 2
    assert world.ledger.open_batches("m") == ()


class CountingTable(FakeTable):
    """Counts the items that are looked up."""

    looked_up = 0

    def get_many(self, keys: tuple[Key, ...]) -> tuple[Mapping[str, Any] | None, ...]:
        self.looked_up += len(keys)
        return super().get_many(keys)


@pytest.mark.parametrize("step", [1, -1, 7])
def test_of_a_listed_batch_few_files_have_everything_looked_at(step: int) -> None:
    """Linear but for a logarithm: with each file looking at all of them, 210 files would look up 22,155 items."""
    table = CountingTable()
    world = World(table=table)
    names = [f"{number}.csv" for number in range(211)]
    world.dispatch(world.put("incoming/m/day/manifest.json", listing(*names)))
    for number in range(211):
        assert world.executions.names == []
        world.dispatch(world.put(f"incoming/m/day/{names[number * step % 211]}"))
    assert world.executions.names == ["m-1-1"]
    assert len(world.ledger.waiting("m").objects) == 211
    assert table.looked_up < 14 * 211


def killed_at_the_write(world: World, number: int) -> None:
    """The table takes so many writes less one, and then none for once."""

    def write() -> None:
        if number == 1:
            raise ConnectionError("killed")
        killed_at_the_write(world, number - 1)

    world.table.before_write = write


@pytest.mark.parametrize("number", range(1, 6))
def test_a_dispatch_that_dies_while_it_takes_the_last_file_of_a_batch_leaves_none_waiting(
    world: World, number: int
) -> None:
    world.dispatch(world.put("incoming/m/day/manifest.json", listing("a.csv", "b.csv", "c.csv")))
    world.dispatch(world.put("incoming/m/day/a.csv"), world.put("incoming/m/day/b.csv"))
    last = world.put("incoming/m/day/c.csv")
    killed_at_the_write(world, number)
    assert list(world.deliver({"last": last}).failed) == ["last"]
    assert world.deliver({"last": last}).failed == {}
    assert world.executions.names == ["m-1-1"]
    assert len(world.ledger.waiting("m").objects) == 3


def test_a_file_that_comes_while_the_missing_ones_are_noted_is_not_waited_for(world: World) -> None:
    marker = world.put("incoming/m/day/manifest.json", listing("a.csv", "b.csv", "c.csv"))
    b = world.put("incoming/m/day/b.csv")

    def b_comes() -> None:
        world.dispatch(b)

    def as_the_manifest_is_there() -> None:
        world.table.before_write = b_comes

    world.table.before_write = as_the_manifest_is_there
    world.dispatch(marker)
    world.dispatch(world.put("incoming/m/day/a.csv"), world.put("incoming/m/day/c.csv"))
    assert len(world.ledger.waiting("m").objects) == 3


def test_a_batch_that_nobody_sees_to_be_whole_is_let_go_and_run_by_the_reconciler(world: World) -> None:
    marker = world.put("incoming/m/day/manifest.json", listing("a.csv"))
    world.dispatch(marker)
    version = marker["detail"]["object"]["version-id"]
    world.ledger.note_missing("m", "day", ObjectVersion("incoming/m/day/manifest.json", version), ("b.csv",))
    world.dispatch(world.put("incoming/m/day/a.csv"))
    assert world.executions.names == []
    found = world.reconcile()
    assert any("let go batch 'day'" in act for act in found.acts)
    assert world.executions.names == ["m-1-1"]


def test_a_manifest_that_comes_last_lets_its_batch_go_at_once(world: World) -> None:
    world.dispatch(world.put("incoming/m/day/a.csv"))
    assert world.dispatch(world.put("incoming/m/day/manifest.json", listing("a.csv"))).counts == {"batch complete": 1}
    assert len(world.ledger.waiting("m").objects) == 1


def test_a_file_of_the_wrong_size_is_waited_for_and_refused_when_the_right_one_is_there(world: World) -> None:
    world.dispatch(world.put("incoming/m/day/manifest.json", listing({"name": "a.csv", "size": 4})))
    world.dispatch(world.put("incoming/m/day/a.csv", b"cut"))
    assert world.executions.names == []
    world.dispatch(world.put("incoming/m/day/a.csv", b"whole"[:4]))
    states = {item.version: (item.state.value, item.reason) for item in world.ledger.objects("m")}
    assert states == {
        "v2": ("refused", "a.csv has 3 bytes where the manifest says 4"),
        "v3": ("pending", None),
    }


def test_a_manifest_that_cannot_be_read_is_refused_and_a_right_one_replaces_it(world: World) -> None:
    world.dispatch(world.put("incoming/m/day/a.csv"))
    assert world.dispatch(world.put("incoming/m/day/manifest.json", b"{}")).counts == {"refused": 1}
    assert "lists no files" in world.ledger.refusals()[0].reason
    world.dispatch(world.put("incoming/m/day/manifest.json", listing("a.csv")))
    assert len(world.ledger.waiting("m").objects) == 1


def test_a_manifest_that_is_overtaken_by_its_correction_does_not_come_back(world: World) -> None:
    wrong = world.put("incoming/m/day/manifest.json", listing("never.csv"))
    right = world.put("incoming/m/day/manifest.json", listing("a.csv"))
    right["detail"]["object"]["sequencer"] = "0002"
    world.dispatch(right, wrong, world.put("incoming/m/day/a.csv"))
    assert len(world.ledger.waiting("m").objects) == 1


def test_a_success_marker_ends_the_wait_for_what_a_manifest_lists(world: World) -> None:
    world.dispatch(
        world.put("incoming/m/day/manifest.json", listing("a.csv", "b.csv")), world.put("incoming/m/day/a.csv")
    )
    world.dispatch(world.put("incoming/m/day/_SUCCESS"))
    assert len(world.ledger.waiting("m").objects) == 1
    assert world.ledger.open_batches("m") == ()


def test_a_manifest_of_a_batch_that_is_whole_changes_nothing(world: World) -> None:
    world.dispatch(world.put("incoming/m/day/_SUCCESS"))
    assert world.dispatch(world.put("incoming/m/day/manifest.json", listing("x.csv"))).counts == {"known": 1}
    assert world.ledger.open_batches("m") == ()


def test_a_file_and_its_manifest_that_are_written_at_once_leave_nothing_behind(world: World) -> None:
    file, marker = world.put("incoming/m/day/a.csv"), world.put("incoming/m/day/manifest.json", listing("a.csv"))

    def manifest_arrives() -> None:
        world.dispatch(marker)

    world.table.before_write = manifest_arrives
    world.dispatch(file)
    assert len(world.ledger.waiting("m").objects) == 1
    assert world.ledger.held("m") == ()


# Deletions.


def test_an_object_that_is_deleted_while_it_waits_is_withdrawn(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/m/day/b.csv"))
    world.dispatch(deleted_event("incoming/m/a.csv", "v1"), deleted_event("incoming/m/day/b.csv", "v2"))
    assert set(world.states().values()) == {"withdrawn"}
    assert not world.ledger.waiting("m")
    assert world.ledger.held("m") == ()


def test_a_delete_marker_takes_nothing_away(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    event = deleted_event("incoming/m/a.csv", "marker", **{"deletion-type": "Delete Marker Created"})
    assert world.dispatch(event).counts == {"hidden": 1}
    assert world.states() == {"incoming/m/a.csv": "pending"}


def test_an_accepted_object_that_is_deleted_is_in_no_new_dataset_and_marks_the_old_one(
    world: World,
) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/m/b.csv"))
    world.run_to_package("d1")
    ids = [{"id": item.id} for item in world.ledger.accepted("m")]
    world.objects.put(layout.dataset("m", "d1", "manifest.json"), json.dumps({"objects": ids}).encode())
    assert world.dispatch(deleted_event("incoming/m/a.csv", "v1")).counts == {"erased": 1}
    assert [item.key for item in world.ledger.accepted("m")] == ["incoming/m/b.csv"]
    (mark,) = world.ledger.marks("m", "d1")
    assert (mark.dataset, mark.key) == ("d1", "incoming/m/a.csv")
    assert world.states()["incoming/m/a.csv"] == "accepted"


def test_housekeeping_that_deletes_an_old_version_erases_nothing(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"))
    world.accept_all("m-1-1", world.claim().fence)
    event = deleted_event("incoming/m/a.csv", "v1", reason="Lifecycle Expiration")
    assert world.dispatch(event).counts == {"known": 1}
    assert len(world.ledger.accepted("m")) == 1


def test_the_same_rows_sent_again_after_their_deletion_are_data_again(world: World) -> None:
    run = RunId("m", 1, 1)
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/m/b.csv"))
    fence = world.claim().fence
    first, second = world.ledger.claimed(run).objects
    assert world.ledger.accept(run, fence, first.id, curated="s", rows=1, verdict="v") == "accepted"
    world.dispatch(deleted_event(first.key, first.version))
    assert world.ledger.accept(run, fence, second.id, curated="s", rows=1, verdict="v") == "accepted"
    assert [item.id for item in world.ledger.accepted("m")] == [second.id]


def test_an_object_that_is_deleted_while_it_is_judged_is_not_accepted(world: World) -> None:
    run = RunId("m", 1, 1)
    event = world.put("incoming/m/a.csv")
    world.dispatch(event)
    fence = world.claim().fence
    (item,) = world.ledger.claimed(run).objects

    def deleted() -> None:
        world.dispatch(deleted_event(item.key, item.version))

    world.table.before_write = deleted
    assert world.ledger.accept(run, fence, item.id, curated="s", rows=1, verdict="v") == "withdrawn"
    assert world.ledger.accepted("m") == ()


def test_an_object_that_is_deleted_while_a_run_claims_it_has_ended_and_stays_so(world: World) -> None:
    world.dispatch(world.put("incoming/m/a.csv"), world.put("incoming/m/b.csv"))
    fence = world.ledger.take_lease("m", world.ledger.head("m"), "arn:retrain:m-1-1")
    assert fence is not None

    def deleted() -> None:
        world.dispatch(deleted_event("incoming/m/a.csv", "v1"))

    world.table.before_write = deleted
    world.ledger.claim_objects(RunId("m", 1, 1), world.ledger.waiting("m").objects, fence)
    assert world.states() == {"incoming/m/a.csv": "withdrawn", "incoming/m/b.csv": "claimed"}
    assert [version.key for version in world.ledger.waiting("m").objects] == ["incoming/m/b.csv"]


def test_the_deletion_of_what_nobody_knows_is_no_news(world: World) -> None:
    assert world.dispatch(deleted_event("incoming/m/a.csv", "v1")).counts == {"known": 1}


# The accounts.


def test_the_books_balance_after_everything_that_may_come_in(world: World) -> None:
    good = [world.put(f"incoming/m/{n}.csv") for n in range(4)]
    cut, whole = world.put("incoming/m/day/a.csv", b"cut"), world.put("incoming/m/day/a.csv", b"whole")
    manifest = world.put("incoming/m/day/manifest.json", listing({"name": "a.csv", "size": 5}))
    sent: list[Any] = [*good, good[0], good[0], cut, manifest, wish("k1"), wish("k1"), s3_event("incoming/m/no", "v9")]
    world.dispatch(*sent, deleted_event("incoming/m/3.csv", "v4"), whole, world.put("incoming/m/night/b.csv"))
    before = balance(world.ledger.books("m"))
    assert (before.received, before.problems) == (len(sent) + 3, ())
    assert before.waiting == {"its run is about to start": 4, "its batch is incomplete": 1}
    run, fence = RunId("m", 1, 1), world.claim().fence
    first, second, third, fourth = (item.id for item in world.ledger.claimed(run).objects)
    for name in (first, second):
        world.ledger.accept(run, fence, name, curated="same", rows=1, verdict="v")
    world.ledger.quarantine(run, fence, third, verdict="v")
    world.ledger.accept(run, fence, fourth, curated="other", rows=1, verdict="v")
    after = balance(world.ledger.books("m"))
    assert (after.processed, after.quarantined, after.withdrawn, after.refused) == (2, 1, 1, 2)
    assert (after.deduplicated, after.acted) == (4, 3)
    assert after.problems == ()


# Backfill.


def backfilled(world: World, *times: str, batch: str = "b1") -> list[dict[str, Any]]:
    """Objects that were there before anybody listened, one for each time of their making."""
    sent = []
    for n, at in enumerate(times):
        key = f"incoming/m/old-{n}.csv"
        world.objects.put(key, b"x")
        sent.append(backfill_message("m", key, version_of(world, key).version, at, batch))
    return sent


def test_a_backfill_is_one_run_of_all_its_objects_in_the_order_of_their_making(world: World) -> None:
    sent = backfilled(world, "2025-03-01T00:00:00+00:00", "2025-01-01T00:00:00Z", "2025-02-01T01:00:00+01:00")
    world.dispatch(*sent)
    assert world.executions.names == []
    world.dispatch(backfill_end_message("m", "b1"))
    assert world.executions.names == ["m-1-1"]
    world.accept_all("m-1-1", world.claim().fence)
    names = [item.key.rpartition("/")[2] for item in world.ledger.accepted("m")]
    assert names == ["old-1.csv", "old-2.csv", "old-0.csv"]


def test_a_backfill_takes_no_object_twice_and_waits_for_none_that_comes_late(world: World) -> None:
    world.dispatch(world.put("incoming/m/old-0.csv"))
    known, late = backfilled(world, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")
    known["version"] = "v1"
    assert world.dispatch(known, backfill_end_message("m", "b1")).counts == {"known": 1, "batch complete": 1}
    assert world.dispatch(late, late).counts == {"arrived": 1, "known": 1}
    assert len(world.ledger.waiting("m").objects) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key": "incoming/n/a.csv"}, "is no file under incoming/m/"),
        ({"model": "q"}, "no model 'q'"),
        ({"version": "v99"}, "was deleted before"),
        ({"at": "yesterday"}, "is no time such as"),
        ({"at": "2025-01-01T00:00:00"}, "lacks its time zone"),
        ({"backfill": ""}, "backfill must be text"),
    ],
)
def test_a_backfill_of_what_is_not_there_is_refused(world: World, change: dict[str, str], reason: str) -> None:
    (message,) = backfilled(world, "2025-01-01T00:00:00Z")
    assert world.dispatch(message | change).counts == {"refused": 1}
    assert reason in world.ledger.refusals()[0].reason


def test_a_batch_of_many_files_is_let_go_in_few_writes(world: World) -> None:
    for start in range(0, 100, 10):
        world.dispatch(*(world.put(f"incoming/m/b/{n:03d}.csv") for n in range(start, start + 10)))
    writes: list[None] = []
    world.table.before_write = lambda: _count(world, writes)
    world.dispatch(world.put("incoming/m/b/_SUCCESS"))
    assert len(writes) < 20
    assert len(world.ledger.waiting("m").objects) == 100


def _count(world: World, writes: list[None]) -> None:
    writes.append(None)
    world.table.before_write = lambda: _count(world, writes)


def test_a_file_that_is_deleted_while_its_batch_is_let_go_holds_none_of_the_others_back(world: World) -> None:
    world.dispatch(*(world.put(f"incoming/m/b/{n}.csv") for n in range(5)))
    gone = version_of(world, "incoming/m/b/3.csv")

    def at_the_marker() -> None:
        world.table.before_write = while_it_is_let_go

    def while_it_is_let_go() -> None:
        world.dispatch(deleted_event(gone.key, gone.version))

    world.table.before_write = at_the_marker
    assert world.ledger.complete_batch("m", "b", "incoming/m/b/_SUCCESS") == 4
    assert gone not in world.ledger.waiting("m").objects
    assert world.states()[gone.key] == "withdrawn"
    assert len(world.ledger.waiting("m").objects) == 4
