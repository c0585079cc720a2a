"""The invariants themselves: what they let pass of duplicates that become data, and what they do not."""

from __future__ import annotations

import pytest

from retide.domain.ledger import ObjectState
from retide.ledger import keys
from retide.ports import Delete
from tests.unit.proofs.invariants import Violated, Watch
from tests.unit.proofs.universe import Message, Universe


def judged(files: int) -> tuple[Universe, Watch]:
    """As many files with the same rows, of which the first is data and the others are duplicates; looked at once."""
    universe = Universe()
    for number in range(files):
        universe.put(f"incoming/m/{number}.csv", b"good 1")
    watch = Watch(universe)
    watch.rest()
    assert states(universe) == ["accepted", *["duplicate"] * (files - 1)]
    return universe, watch


def states(universe: Universe) -> list[str]:
    return [item.state.value for item in universe.ledger.objects("m")]


def deleted(universe: Universe, number: int) -> Message:
    """The file, counted from the oldest, is deleted; the event of it is on its way."""
    item = universe.ledger.objects("m")[number]
    return universe.erase(item.key, item.version)


def set_state(universe: Universe, number: int, **values: str) -> None:
    """The item of a file, as a ledger with a fault would write it."""
    item = universe.ledger.objects("m")[number]
    key = keys.object_version("m", item.id)
    universe.table.items[key.pk, key.sk] |= values


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 2), (1, 0), (2, 0, 1), (0, 2, 1)], ids=str)
@pytest.mark.parametrize("often", [True, False])
def test_an_heir_may_be_deleted_before_anybody_looks_again(order: tuple[int, ...], often: bool) -> None:
    universe, watch = judged(3)
    for number in order:
        message = deleted(universe, number)
        universe.deliver(message)
        if often:
            watch.look()
    watch.look()
    watch.rest()
    assert len(universe.ledger.accepted("m")) == (len(order) < 3)


def test_a_duplicate_that_becomes_data_beside_the_same_rows_is_missed_by_no_look() -> None:
    universe, watch = judged(2)
    set_state(universe, 1, state=ObjectState.ACCEPTED)
    with pytest.raises(Violated, match="are the same rows, and all of them are data"):
        watch.look()


def test_a_duplicate_that_became_data_beside_the_same_rows_is_seen_also_when_it_is_deleted_since() -> None:
    universe, watch = judged(2)
    set_state(universe, 1, state=ObjectState.ACCEPTED, deleted_at="2026-01-01")
    with pytest.raises(Violated, match="was duplicate and is accepted"):
        watch.look()


def test_a_duplicate_that_was_deleted_takes_no_place() -> None:
    universe, watch = judged(2)
    universe.deliver(deleted(universe, 1))
    watch.look()
    universe.deliver(deleted(universe, 0))
    set_state(universe, 1, state=ObjectState.ACCEPTED)
    with pytest.raises(Violated, match="was duplicate and is accepted"):
        watch.look()


def test_two_duplicates_do_not_take_the_same_place() -> None:
    universe, watch = judged(3)
    universe.deliver(deleted(universe, 0))
    set_state(universe, 2, state=ObjectState.ACCEPTED)
    with pytest.raises(Violated, match="are the same rows, and all of them are data"):
        watch.look()


@pytest.mark.parametrize("state", sorted(set(ObjectState) - {ObjectState.DUPLICATE, ObjectState.ACCEPTED}))
def test_a_duplicate_becomes_nothing_else_when_its_rows_are_deleted(state: ObjectState) -> None:
    universe, watch = judged(2)
    universe.deliver(deleted(universe, 0))
    set_state(universe, 1, state=state)
    with pytest.raises(Violated, match=f"was duplicate and is {state}"):
        watch.look()


def test_a_duplicate_whose_rows_are_data_no_more_is_seen() -> None:
    universe, watch = judged(2)
    set_state(universe, 0, deleted_at="2026-01-01")
    with pytest.raises(Violated, match="is a duplicate of what is no data any more"):
        watch.look()


def test_an_object_that_is_known_no_more_is_seen() -> None:
    universe, watch = judged(2)
    universe.table.transact(Delete(keys.object_version("m", universe.ledger.objects("m")[1].id)))
    with pytest.raises(Violated, match="are known no more"):
        watch.look()
