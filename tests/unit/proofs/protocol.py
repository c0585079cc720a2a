"""The protocol of arrivals and runs, small enough to be searched whole: each move of it is one write of the ledger.

Three wishes (objects and requests are alike here) come over a queue that may deliver each of them twice; executions
work on them and may die anywhere, or die and go on as zombies; a reconciler looks now and then. A guard that is not
among `guards` is left out. States that differ only in which wish is which are one state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

RUNS: Final = 4
"""Names of executions that may be used: one for each wish and one for a death; more are never asked for."""

GUARDS: Final = frozenset({"deduplication", "lease", "fencing", "successor", "reconciler"})

# Where an execution is: before which write.
LEASE, LIST, CLAIM, TRAIN, RECORD, FREE, TELL, ENDED = range(8)
WORKING: Final = frozenset({CLAIM, TRAIN, RECORD, FREE})


@dataclass(frozen=True, slots=True, order=True)
class Wish:
    """`copies` are still to be delivered; `runs` are those that claimed it, as bits; `done` how often it ended."""

    sent: bool = False
    copies: int = 0
    known: bool = False
    pending: bool = False
    done: int = 0
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """`token` is the fencing token that it was given; a zombie's execution is dead, and its function goes on."""

    at: int = LEASE
    token: int = 0
    zombie: bool = False

    @property
    def lives(self) -> bool:
        """As DescribeExecution says."""
        return self.at != ENDED and not self.zombie


@dataclass(frozen=True, slots=True)
class State:
    """`owner` and `token` are the lease; `message` is the successor's, on its way."""

    wishes: tuple[Wish, ...] = (Wish(),) * 3
    message: bool = False
    runs: tuple[Run, ...] = ()
    owner: int | None = None
    token: int = 0
    deaths: int = 0

    def with_run(self, number: int, run: Run) -> State:
        return replace(self, runs=(*self.runs[:number], run, *self.runs[number + 1 :]))

    def with_wishes(self, change: Callable[[Wish], Wish]) -> State:
        return replace(self, wishes=tuple(sorted(map(change, self.wishes))))

    @property
    def pending(self) -> bool:
        return any(wish.pending for wish in self.wishes)


@dataclass(frozen=True, slots=True)
class Protocol:
    guards: frozenset[str] = GUARDS
    deaths: int = 1

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        """Everything that may happen next, with its name."""
        yield from self._arrivals(state)
        for number, run in enumerate(state.runs):
            if run.at != ENDED:
                yield self._go_on(state, number, run)
                yield from self._deaths(state, number, run)
        if "reconciler" in self.guards:
            yield from self._reconcile(state)

    def _arrivals(self, state: State) -> Iterator[tuple[str, State]]:
        for place, wish in enumerate(state.wishes):
            rest = (*state.wishes[:place], *state.wishes[place + 1 :])
            if not wish.sent:
                sent = replace(wish, sent=True, copies=2)
                yield "a wish is sent", replace(state, wishes=tuple(sorted((*rest, sent))))
            if wish.copies:
                taken = replace(state, wishes=tuple(sorted((*rest, self._taken(wish)))))
                yield "a wish is delivered", self._start(taken)
        if state.message:
            yield "the successor's message is delivered", self._start(replace(state, message=False))

    def _taken(self, wish: Wish) -> Wish:
        """Put if absent: a wish that is known is no new one."""
        delivered = replace(wish, copies=wish.copies - 1)
        known = wish.known and "deduplication" in self.guards
        return delivered if known else replace(delivered, known=True, pending=True)

    def _start(self, state: State) -> State:
        """StartExecution under the next run's name, unless one of that name runs already and may still claim."""
        newest = state.runs[-1] if state.runs else None
        if not state.pending or len(state.runs) == RUNS or (newest and newest.lives and newest.at < TELL):
            return state
        return replace(state, runs=(*state.runs, Run()))

    def _deaths(self, state: State, number: int, run: Run) -> Iterator[tuple[str, State]]:
        if run.zombie or state.deaths == self.deaths:
            return
        dying = replace(state, deaths=state.deaths + 1)
        yield f"run {number} dies", dying.with_run(number, replace(run, at=ENDED))
        yield f"run {number} dies, and its function goes on", dying.with_run(number, replace(run, zombie=True))

    def _go_on(self, state: State, number: int, run: Run) -> tuple[str, State]:
        """Every write but the first is conditional on the token."""
        if "fencing" in self.guards and LEASE < run.at < TELL and run.token != state.token:
            return f"run {number} is fenced", state.with_run(number, replace(run, at=ENDED))
        name, step = STEPS[run.at]
        return f"run {number} {name}", step(self, state, number, run)

    def _lease(self, state: State, number: int, run: Run) -> State:
        """Only for the newest, and only while its holder does not run any more."""
        held = state.owner not in (None, number) and self._holds(state)
        if number != len(state.runs) - 1 or held:
            return state.with_run(number, replace(run, at=ENDED))
        taken = replace(state, owner=number, token=state.token + 1)
        return taken.with_run(number, replace(run, at=LIST, token=taken.token))

    def _holds(self, state: State) -> bool:
        """Whether the lease is more than a word."""
        return state.owner is not None and "lease" in self.guards and state.runs[state.owner].lives

    def _list(self, state: State, number: int, run: Run) -> State:
        listed = state.with_wishes(lambda wish: replace(wish, runs=wish.runs | wish.pending << number))
        return listed.with_run(number, replace(run, at=CLAIM))

    def _pass(self, state: State, number: int, run: Run) -> State:
        return state.with_run(number, replace(run, at=run.at + 1))

    def _record(self, state: State, number: int, run: Run) -> State:
        """What it claimed ends here."""

        def end(wish: Wish) -> Wish:
            mine = bool(wish.runs >> number & 1)
            return replace(wish, done=wish.done + mine, pending=wish.pending and not mine)

        return state.with_wishes(end).with_run(number, replace(run, at=FREE))

    def _free(self, state: State, number: int, run: Run) -> State:
        return replace(state, owner=None, token=state.token + 1).with_run(number, replace(run, at=TELL))

    def _tell(self, state: State, number: int, run: Run) -> State:
        """What came meanwhile starts one successor."""
        wanted = state.pending and "successor" in self.guards
        return replace(state, message=state.message or wanted).with_run(number, replace(run, at=ENDED))

    def _reconcile(self, state: State) -> Iterator[tuple[str, State]]:
        if state.owner is not None and not self._holds(state):
            freed = replace(state, owner=None, token=state.token + 1)
            yield "the reconciler frees a dead one's lease", self._start(freed)
        elif (started := self._start(state)) != state:
            yield "the reconciler starts what was lost", started


STEPS: Final[tuple[tuple[str, Callable[[Protocol, State, int, Run], State]], ...]] = (
    ("takes the lease", Protocol._lease),
    ("reads what waits", Protocol._list),
    ("claims it", Protocol._pass),
    ("trains", Protocol._pass),
    ("records", Protocol._record),
    ("frees the lease", Protocol._free),
    ("tells of a successor", Protocol._tell),
)


def violation(state: State, *, at_rest: bool) -> str:
    """Which invariant does not hold here, in words; empty where all do."""
    if any(wish.done > 1 for wish in state.wishes):
        return "I1: a wish was answered twice"
    if sum(run.at in WORKING and run.lives for run in state.runs) > 1:
        return "I2: two runs work at the same time"
    if at_rest and state.owner is not None:
        return "I7: a lease is held by nobody"
    if at_rest and state.pending:
        return "I7: something waits, and nothing comes for it"
    return ""
