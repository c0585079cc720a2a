"""The ledger on both tables: what its conditions promise must hold on DynamoDB as it does in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retide.domain.intake import Deferral, Delay
from retide.domain.layout import ObjectVersion, RunId
from retide.domain.ledger import Arrival, Cause, Champion, Head, ObjectState, Release, Request, RunRecord
from retide.ledger import Ledger
from retide.ports import Fenced, Table
from tests.fakes import FakeClock

RUN = RunId("m", 1, 1)
CHAMPION = Champion("arn", 1, "job", "d", "c", "k", "m-1-1")


@pytest.fixture
def ledger(table: Table) -> Ledger:
    return Ledger(table, FakeClock())


def arrival(n: int) -> Arrival:
    return Arrival(f"incoming/m/größe {n}.csv", f"v{n}", "e", 10, f"{n:04x}", f"2026-01-01T00:00:{n:02d}+00:00")


def version(n: int) -> ObjectVersion:
    return ObjectVersion(arrival(n).key, arrival(n).version)


def claimed(ledger: Ledger, count: int = 2) -> int:
    """A run that holds the lease and `count` objects; its fencing token."""
    for n in range(count):
        assert ledger.arrive("m", arrival(n))
    fence = ledger.take_lease("m", ledger.head("m"), "arn:one")
    assert fence is not None
    waiting = ledger.waiting("m")
    ledger.claim_objects(RUN, waiting.objects, fence)
    objects = tuple(version.id for version in waiting.objects)
    ledger.write_run(RunRecord("m-1-1", "arn:one", "running", "2026-01-01", objects), fence)
    return fence


def accept(ledger: Ledger, fence: int, n: int, curated: str) -> ObjectState:
    return ledger.accept(RUN, fence, arrival(n).id, curated=curated, rows=3, verdict="v", events=("2026-01-01", None))


def test_a_model_stands_before_its_first_run(ledger: Ledger) -> None:
    assert ledger.head("m") == Head(1, 1, 0, None, None, stored=False)


def test_a_lease_is_taken_once_and_its_token_only_grows(ledger: Ledger) -> None:
    seen = ledger.head("m")
    assert ledger.take_lease("m", seen, "arn:one") == 1
    assert ledger.take_lease("m", seen, "arn:two") is None
    held = ledger.head("m")
    assert (held.owner, held.token) == ("arn:one", 1)
    ledger.free_lease("m", 1, again=False)
    freed = ledger.head("m")
    assert (freed.owner, freed.generation, freed.attempt) == (None, 2, 1)
    assert (ledger.take_lease("m", freed, "arn:two") or 0) > freed.token > 1


def test_an_attempt_is_counted_once_by_those_who_saw_the_same(ledger: Ledger) -> None:
    seen = ledger.head("m")
    assert ledger.next_attempt("m", seen)
    assert not ledger.next_attempt("m", seen)
    assert ledger.head("m").attempt == 2


def test_a_champion_that_is_crowned_does_not_disturb_the_counting_of_runs(ledger: Ledger) -> None:
    fence = ledger.take_endpoint("m", ledger.endpoint("m"), "arn:r")
    assert fence
    ledger.promote("m", fence, Release(1, 1, "arn", "promoted", "r", "2026", "config"), CHAMPION, "e")
    assert ledger.head("m").champion == CHAMPION
    assert ledger.take_lease("m", ledger.head("m"), "arn:one") == 1
    assert ledger.head("m").champion == CHAMPION


def test_objects_are_accepted_in_the_order_of_arrival_and_end_once(ledger: Ledger) -> None:
    fence = claimed(ledger)
    assert accept(ledger, fence, 1, "sha-b") is ObjectState.ACCEPTED
    assert accept(ledger, fence, 0, "sha-a") is ObjectState.ACCEPTED
    assert accept(ledger, fence, 0, "sha-a") is ObjectState.ACCEPTED
    assert ledger.quarantine(RUN, fence, arrival(0).id, verdict="v") is ObjectState.ACCEPTED
    assert [item.curated for item in ledger.accepted("m")] == ["sha-a", "sha-b"]
    assert not ledger.waiting("m")


def test_the_same_content_twice_is_accepted_once(ledger: Ledger) -> None:
    fence = claimed(ledger)
    assert accept(ledger, fence, 0, "sha") is ObjectState.ACCEPTED
    assert accept(ledger, fence, 1, "sha") is ObjectState.DUPLICATE
    assert accept(ledger, fence, 1, "sha") is ObjectState.DUPLICATE
    assert len(ledger.accepted("m")) == 1


def test_a_stale_token_writes_nothing(ledger: Ledger) -> None:
    fence = claimed(ledger)
    ledger.free_lease("m", fence, again=True)
    for write in (
        lambda: accept(ledger, fence, 0, "sha"),
        lambda: ledger.quarantine(RUN, fence, arrival(0).id, verdict="v"),
        lambda: ledger.withdraw(RUN, fence, arrival(0).id),
        lambda: ledger.claim_request(RUN, Request("k", Cause.PERSON, "r", "2026"), fence),
        lambda: ledger.write_run(RunRecord("m-1-1", "arn:one", "ended", "2026"), fence),
        lambda: ledger.check("m", fence),
        lambda: ledger.free_lease("m", fence, again=False),
    ):
        with pytest.raises(Fenced):
            write()
    assert {item.state for item in ledger.objects("m")} == {ObjectState.CLAIMED}


def test_what_is_handed_back_waits_again_and_remembers_that_it_was_tried(ledger: Ledger) -> None:
    fence = claimed(ledger)
    accept(ledger, fence, 0, "sha")
    assert ledger.give_back(RUN, fence, tried=True) == 1
    waiting = ledger.waiting("m")
    assert [version.key for version in waiting.objects] == [arrival(1).key]
    assert not waiting.fresh
    ledger.arrive("m", arrival(2))
    assert ledger.waiting("m").fresh


def test_a_glance_sees_what_is_fresh_without_reading_all_that_waits(ledger: Ledger) -> None:
    fence = claimed(ledger, 3)
    assert (len(ledger.glance("m").objects), ledger.glance("m").fresh) == (3, False)
    ledger.arrive("m", arrival(3))
    ledger.arrive("m", arrival(4))
    seen = ledger.glance("m")
    assert ([version.key for version in seen.objects], seen.fresh) == ([arrival(4).key], True)
    ledger.give_back(RUN, fence, tried=True)
    assert ledger.glance("m").fresh


def test_a_glance_finds_what_is_fresh_behind_what_was_claimed_later(ledger: Ledger) -> None:
    fence = claimed(ledger, 3)
    accept(ledger, fence, 0, "sha")
    late = replace(arrival(4), arrived_at="2000-01-01T00:00:00")
    ledger.arrive("m", late)
    seen = ledger.glance("m")
    assert (seen.objects[0].key, len(seen.objects), seen.fresh) == (late.key, 3, True)


def test_where_a_model_stands_and_what_defers_it_are_read_together(ledger: Ledger) -> None:
    assert ledger.standing("m") == (Head(1, 1, 0, None, None, stored=False), None)
    deferral = Deferral(Delay.BUDGET, "3 runs began today", "2026-01-01", "2026-01-02")
    ledger.defer("m", deferral)
    assert ledger.take_lease("m", ledger.head("m"), "arn:one")
    assert ledger.standing("m") == (ledger.head("m"), deferral)


def test_a_request_lives_until_the_run_that_answers_it(ledger: Ledger) -> None:
    wish = Request("k", Cause.CODE, "deployed", "2026-01-01")
    assert ledger.ask("m", wish)
    assert not ledger.ask("m", wish)
    fence = ledger.take_lease("m", ledger.head("m"), "arn:one")
    assert fence
    ledger.claim_request(RUN, wish, fence)
    assert ledger.waiting("m").requests == (wish,)
    ledger.finish_request(RUN, wish, fence)
    ledger.finish_request(RUN, wish, fence)
    assert not ledger.waiting("m")
    assert not ledger.ask("m", wish)


def test_a_claim_is_read_whole_and_each_object_alone(ledger: Ledger) -> None:
    fence = claimed(ledger, 3)
    accept(ledger, fence, 1, "sha")
    states = [item.state for item in ledger.claimed(RUN).objects]
    assert states == [ObjectState.CLAIMED, ObjectState.ACCEPTED, ObjectState.CLAIMED]
    assert ledger.claimed_object(RUN, arrival(2).id).key == arrival(2).key
    with pytest.raises(LookupError, match="m-1-1 has not claimed the object odd"):
        ledger.claimed_object(RUN, "odd")
    with pytest.raises(LookupError, match="m-9-1 has not claimed the object"):
        ledger.claimed_object(RunId("m", 9, 1), arrival(2).id)
    with pytest.raises(LookupError, match="m-9-1 has claimed nothing"):
        ledger.claimed(RunId("m", 9, 1))


def test_an_endpoint_is_changed_by_one_rollout_at_a_time(ledger: Ledger) -> None:
    seen = ledger.endpoint("m")
    fence = ledger.take_endpoint("m", seen, "arn:r1")
    assert fence
    assert ledger.take_endpoint("m", seen, "arn:r2") is None
    ledger.give_up("m", fence, Release(3, 1, "arn", "rolled back", "r", "2026"), withdraw=True)
    assert ledger.endpoint("m").withdrawn == (3,)
    with pytest.raises(Fenced):
        ledger.promote("m", fence, Release(3, 1, "arn", "promoted", "r", "2026"), CHAMPION, "e")
    assert [release.verdict for release in ledger.releases("m")] == ["rolled back"]
