"""Copies of rows, judged and deleted in any order, one in the middle of the other: rows are data while a copy stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count, product
from typing import Final

from retide.domain.accounting import balance
from retide.domain.layout import RunId
from retide.domain.ledger import ObjectState
from retide.ledger import Ledger
from tests.fakes import FakeClock
from tests.unit.steps.interrupted import Interrupted
from tests.unit.steps.world import World

FILES: Final = 3
RUN: Final = RunId("m", 1, 1)
FENCE: Final = 1
type Act = tuple[str, int]
ACTS: Final[tuple[Act, ...]] = tuple(product(("judge", "delete"), range(FILES)))


class Copies:
    """Files with the same rows, claimed by one run."""

    def __init__(self, table: Interrupted) -> None:
        self.table = table
        self.ledger = Ledger(table, FakeClock())
        self.names = [item.id for item in self.ledger.claimed(RUN).objects]

    @classmethod
    def claimed(cls) -> Copies:
        table = Interrupted()
        world = World(table=table)
        for number in range(FILES):
            world.dispatch(world.put(f"incoming/m/{number}.csv"))
        assert world.claim().fence == FENCE
        return cls(table)

    def after(self, *acts: Act) -> Copies:
        """The same files, to which something happened; these are left as they are."""
        other = Copies(self.table.copy())
        for act in acts:
            other.do(act)
        return other

    def do(self, act: Act) -> None:
        name = self.names[act[1]]
        if act[0] == "delete":
            self.ledger.erase("m", name)
        else:
            self.ledger.accept(RUN, FENCE, name, curated="s", rows=7, verdict="v")

    def while_another(self, first: Act, second: Act, call: int) -> bool:
        """Do the second before a call of the first; whether there were so many calls."""
        self.table.at(call, lambda: self.do(second))
        self.do(first)
        return self.table.end()

    def state(self) -> tuple[tuple[ObjectState, bool], ...]:
        """Of how many files what is true; which of them came first is all the same."""
        items = self.ledger.objects("m")
        return tuple(sorted((item.state, item.deleted_at is None) for item in items))

    def sound(self) -> bool:
        """Whether the rows are data once where a copy was judged and is there, and not at all where none is."""
        judged = [item for item in self.ledger.objects("m") if item.curated and item.deleted_at is None]
        accepted = [item.id for item in judged if item.state is ObjectState.ACCEPTED]
        taken = [item.id for item in self.ledger.accepted("m")]
        balanced = balance(self.ledger.books("m")).problems == ()
        return taken == accepted and len(taken) == min(1, len(judged)) and balanced


def states() -> Iterator[tuple[tuple[Act, ...], Copies]]:
    """Each state that the files can be in, and a shortest way to it."""
    known, open_ = set(), deque[tuple[tuple[Act, ...], Copies]]([((), Copies.claimed())])
    while open_:
        past, copies = open_.popleft()
        if copies.state() not in known:
            known.add(copies.state())
            open_.extend(((*past, act), copies.after(act)) for act in ACTS)
            yield past, copies


def unsound(copies: Copies, first: Act, second: Act) -> Iterator[str]:
    for call in count(1):
        then = copies.after()
        within = then.while_another(first, second, call)
        if not then.sound():
            yield f"{second} before call {call} of {first}"
        if not within:
            return


def test_rows_are_data_as_long_as_a_copy_is_there_whatever_happens_in_the_middle_of_what() -> None:
    ways = list(states())
    assert len(ways) > 20
    pairs = list(product(ACTS, ACTS))
    found = [f"after {past}: {case}" for past, copies in ways for pair in pairs for case in unsound(copies, *pair)]
    assert found == []
