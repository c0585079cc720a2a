"""Every state of the small protocol is visited: all invariants hold in all of them, and in none without its guards."""

from __future__ import annotations

from collections import deque

import pytest

from tests.unit.proofs.protocol import GUARDS, Protocol, State, violation


def visit(protocol: Protocol) -> tuple[int, list[str]]:
    """How many states can be reached, and the shortest way to one in which an invariant does not hold."""
    start = State()
    came: dict[State, tuple[State, str] | None] = {start: None}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        moves = list(protocol.moves(state))
        found = violation(state, at_rest=not moves)
        if found:
            return len(came), [*_way(state, came), found]
        for name, following in moves:
            if following not in came:
                came[following] = (state, name)
                queue.append(following)
    return len(came), []


def _way(state: State, came: dict[State, tuple[State, str] | None]) -> list[str]:
    names: list[str] = []
    while step := came[state]:
        state, name = step
        names.append(name)
    return names[::-1]


def test_all_states_of_the_protocol_keep_the_invariants() -> None:
    states, way = visit(Protocol())
    print(f"{states:,} states")
    assert way == []
    assert states > 50_000


@pytest.mark.parametrize("guard", sorted(GUARDS - {"successor"}))
def test_without_one_of_its_guards_the_protocol_breaks(guard: str) -> None:
    _, way = visit(Protocol(GUARDS - {guard}))
    print("; ".join(way))
    assert way


def test_while_nobody_dies_the_successor_makes_the_reconciler_needless_and_without_both_it_breaks() -> None:
    """The reconciler would find what waits as well, minutes later: so the successor is looked at without it."""
    _, with_successor = visit(Protocol(GUARDS - {"reconciler"}, deaths=0))
    _, with_neither = visit(Protocol(GUARDS - {"reconciler", "successor"}, deaths=0))

    assert with_successor == []
    assert with_neither[-1] == "I7: something waits, and nothing comes for it"
