"""The accounts of the intake: every message has gone somewhere, and a book that contradicts another is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retide.domain.accounting import Account, Books, Pointer, balance
from retide.domain.intake import Deferral, Delay, Parked, Receipt
from retide.domain.ledger import ObjectRecord, ObjectState


def receipt(name: str, outcome: str = "arrived") -> Receipt:
    return Receipt(name, "m", outcome, "", "2026")


def record(name: str, state: ObjectState, **more: str | None) -> ObjectRecord:
    told = {"message": f"message-{name}", **more}
    return ObjectRecord(f"incoming/m/{name}", "v1", name, "e", 1, "2026", state, **told)  # type: ignore[arg-type]


def books(*records: ObjectRecord, **more: str) -> Books:
    """Books that balance: of these objects, and of other messages by their outcome."""
    others = tuple(receipt(name, outcome) for name, outcome in more.items())
    waiting = tuple(Pointer(item.id) for item in records if not item.state.terminal)
    return Books(
        receipts=(*(receipt(item.message or "") for item in records), *others),
        objects=records,
        pending=waiting,
        accepted=tuple(item.id for item in records if item.state is ObjectState.ACCEPTED),
    )


ALL = books(
    *(record(state.value, state) for state in ObjectState), a="known", b="refused", c="asked", d="batch complete"
)


def test_every_message_is_in_one_place_of_the_account() -> None:
    assert balance(ALL) == Account(
        received=11,
        processed=1,
        deduplicated=2,
        quarantined=1,
        refused=2,
        withdrawn=1,
        waiting={"its run is about to start": 2},
        acted=2,
    )


def test_a_message_of_which_nothing_was_taken_is_dead_lettered() -> None:
    dead = replace(ALL, parked=(Parked("name", "{}", "2026", message="never-taken", model="m"),))
    account = balance(dead)
    assert (account.received, account.dead_lettered, account.problems) == (12, 1, ())
    assert account.explained == 12


@pytest.mark.parametrize("receipted", ["message-pending", "a"])
def test_a_message_that_died_after_it_was_taken_is_counted_once(receipted: str) -> None:
    dead = replace(ALL, parked=(Parked("name", "{}", "2026", message=receipted, model="m"),))
    assert balance(dead) == balance(ALL)


def test_a_message_of_several_objects_that_died_after_they_were_taken_is_counted_by_them() -> None:
    several = books(*(record(name, ObjectState.PENDING, message=f"several/{name}") for name in "01"))
    dead = replace(several, parked=(Parked("name", "{}", "2026", message="several", model="m"),))
    assert balance(dead) == balance(several)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"receipts": ALL.receipts[1:]}, "message message-pending brought more objects than it may"),
        ({"receipts": (*ALL.receipts, receipt("new"))}, "message new brought an object that is not there"),
        ({"receipts": (*ALL.receipts, ALL.receipts[0])}, "brought an object that is not there"),
        ({"pending": ALL.pending[1:]}, "is pending and waits in 0 places"),
        ({"pending": (*ALL.pending, Pointer("accepted"))}, "is accepted and waits in 1 places"),
        ({"held": ("pending",)}, "is pending and waits in 2 places"),
        ({"held": ("nowhere",)}, "object nowhere waits and is not there"),
        ({"accepted": ()}, "object accepted was accepted and is not part of the data"),
        ({"accepted": ("accepted", "accepted")}, "object accepted is part of the data and was not accepted"),
    ],
)
def test_books_that_contradict_each_other_are_found(change: dict[str, object], problem: str) -> None:
    problems = balance(replace(ALL, **change)).problems  # type: ignore[arg-type]
    assert any(problem in found for found in problems), problems


def test_rows_that_were_taken_out_of_accepted_objects_are_counted_and_no_message_is_moved_by_them() -> None:
    in_part = [replace(record(name, ObjectState.ACCEPTED), rejected=rows) for name, rows in (("a", 3), ("b", 4))]
    account = balance(books(*in_part, record("c", ObjectState.ACCEPTED)))
    assert (account.taken_out, account.processed, account.problems) == (7, 3, ())


def test_a_deleted_object_is_no_part_of_the_data_any_more() -> None:
    gone = record("a", ObjectState.ACCEPTED, deleted_at="2027")
    assert balance(replace(books(gone), accepted=())).problems == ()
    assert balance(books(gone)).problems != ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pending": (), "held": ("a",)}, "its batch is incomplete"),
        ({"pending": (Pointer("a", run="m-1-1"),)}, "run m-1-1 works on it"),
        ({"pending": (Pointer("a", tried="m-1-1"),)}, "run m-1-1 failed; the next one takes it"),
        ({"deferral": Deferral(Delay.BUDGET, "48 runs", "2026", "2027")}, "budget: 48 runs"),
        ({}, "its run is about to start"),
    ],
)
def test_what_waits_has_a_reason(change: dict[str, object], reason: str) -> None:
    found = balance(replace(books(record("a", ObjectState.PENDING)), **change))  # type: ignore[arg-type]
    assert found.waiting == {reason: 1}
    assert found.problems == ()
