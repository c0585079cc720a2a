"""Follow a stage live: say every state of every run and rollout as it ends, until nothing moves any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from retide.cli.executions import Execution, StateSeen, folded
from retide.cli.output import Progress, counted, shorten

CLAIM: Final = "Claim"
WAITED: Final = 0.3
"""Seconds between two states above which there was a Wait, not just the machine's own step."""


class View(Protocol):
    """What can be seen of a stage from outside."""

    def executions(self) -> tuple[Execution, ...]: ...

    def states(self, execution: Execution) -> tuple[StateSeen, ...]: ...

    def ending(self, execution: Execution) -> tuple[str, str]:
        """What an ended execution came to, as its records say: outcome and reason."""
        ...

    def causes(self, execution: Execution) -> tuple[str, ...]:
        """Why a run was started."""
        ...

    def unsettled(self, model: str) -> tuple[str, ...]:
        """What is still to happen for a model, in words; empty when nothing is."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: `interval` between two looks, `patience` without any change after which waiting is pointless."""

    interval: float
    patience: float


LOCAL: Final = Pace(interval=0.15, patience=20.0)
NEARBY: Final = Pace(interval=0.3, patience=120.0)
REMOTE: Final = Pace(interval=3.0, patience=180.0)
GOOD: Final = frozenset(
    {"approved", "promoted", "kept", "unchanged", "insufficient", "empty", "superseded", "nothing", "lost"}
)
OPEN: Final = frozenset({"awaiting approval"})


@dataclass
class Watch:
    """One following of some models; `since` leaves out what ended before."""

    view: View
    models: Collection[str]
    progress: Progress
    pace: Pace
    since: datetime
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _told: dict[str, int] = field(default_factory=dict)
    _ended: dict[str, Execution] = field(default_factory=dict)
    _changed_at: float = 0.0
    _last: object = None
    _speaking: str = ""

    def until_quiet(self, also: Callable[[], bool] = lambda: True) -> tuple[str, ...]:
        """Follow until nothing moves and `also` holds; returns what never came to an end (empty: all did)."""
        self._changed_at = self.clock()
        while True:
            open_ends = self._look()
            if not open_ends and also():
                return ()
            if self.clock() - self._changed_at > self.pace.patience:
                return open_ends or ("nothing happened",)
            self.sleep(self.pace.interval)

    @property
    def ended(self) -> tuple[Execution, ...]:
        """The executions whose end was seen, in the order of their ends."""
        return tuple(self._ended.values())

    def _look(self) -> tuple[str, ...]:
        running = [execution for execution in self._mine() if self._tell(execution)]
        open_ends = tuple(f"{execution.name} runs" for execution in running)
        open_ends += tuple(end for model in self.models for end in self.view.unsettled(model))
        self._notice((open_ends, dict(self._told)), busy=bool(running))
        return open_ends

    def _mine(self) -> list[Execution]:
        return [
            execution
            for execution in self.view.executions()
            if execution.model in self.models
            and execution.name not in self._ended
            and (execution.ended_at is None or execution.ended_at >= self.since)
        ]

    def _notice(self, now: object, *, busy: bool) -> None:
        """Patience counts from the last change; a job that runs is not silence."""
        if busy or now != self._last:
            self._changed_at = self.clock()
        self._last = now

    def _tell(self, execution: Execution) -> bool:
        """Say what is new of one execution; whether it still runs. A state is over when another has followed."""
        states = folded(self.view.states(execution))
        over = len(states) - 1 if execution.running else len(states)
        for position in range(self._told.get(execution.name, 0), over):
            self._say_state(execution, states, position)
            self._told[execution.name] = position + 1
        self._say_current(execution, states)
        if not execution.running:
            self._say_end(execution)
        return execution.running

    def _say_state(self, execution: Execution, states: tuple[StateSeen, ...], position: int) -> None:
        state = states[position]
        self._say_whose(execution)
        self.progress.line(
            "failed" if state.error else "done",
            state.name,
            state.error or self._detail(execution, state),
            _took(states, position),
        )

    def _say_whose(self, execution: Execution) -> None:
        """A headline wherever the lines of another execution begin."""
        if self._speaking != execution.name:
            self.progress.headline(f"{execution.machine.value} {execution.name}")
        self._speaking = execution.name

    def _detail(self, execution: Execution, state: StateSeen) -> str:
        causes = self.view.causes(execution) if state.name == CLAIM else ()
        said = detail(state.name, state.output)
        return f"{said}; cause: {', '.join(causes)}" if causes else said

    def _say_current(self, execution: Execution, states: tuple[StateSeen, ...]) -> None:
        if states and states[-1].seconds is None:
            self.progress.doing(f"{execution.name}: {states[-1].name}")
        elif execution.running:
            self.progress.doing(f"{execution.name}: waiting")

    def _say_end(self, execution: Execution) -> None:
        outcome, reason = self.view.ending(execution)
        took = (execution.ended_at - execution.started_at).total_seconds() if execution.ended_at else None
        mark = "done" if outcome in GOOD else "note" if outcome in OPEN else "warning"
        self._say_whose(execution)
        self.progress.line(mark, "ended", f"{outcome}{': ' if reason else ''}{reason}", took)
        self._ended[execution.name] = execution


def _took(states: tuple[StateSeen, ...], position: int) -> float | None:
    """A state's seconds, together with a wait before it: the machine waited for what the state then asks about."""
    state = states[position]
    if position == 0 or state.seconds is None:
        return state.seconds
    before = states[position - 1]
    gap = (state.entered_at - before.entered_at).total_seconds() - (before.seconds or 0.0)
    return state.seconds + gap if gap > WAITED else state.seconds


def detail(state: str, output: Mapping[str, Any]) -> str:
    """What a state came to, out of the execution's data."""
    teller = DETAILS.get(state)
    return teller(output) if teller else ""


def _claim(output: Mapping[str, Any]) -> str:
    claim = output.get("claim", {})
    if claim.get("outcome") != "claimed":
        return str(claim.get("outcome", ""))
    count = len(claim.get("objects", ()))
    return counted(count, "file") if count else "no new file"


def _freeze(output: Mapping[str, Any]) -> str:
    dataset = output.get("dataset", {})
    if dataset.get("outcome") != "frozen":
        return str(dataset.get("outcome", ""))
    return f"dataset {shorten(dataset.get('id', ''))}, {dataset.get('rows', 0)} rows"


def _outcome(part: str) -> Callable[[Mapping[str, Any]], str]:
    def told(output: Mapping[str, Any]) -> str:
        said = output.get(part, {})
        reason = said.get("reason", "")
        return f"{said.get('outcome', '')}{': ' if reason else ''}{reason}"

    return told


DETAILS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    CLAIM: _claim,
    "Freeze": _freeze,
    "Decide": _outcome("plan"),
    "Gate": _outcome("gate"),
    "Register": _outcome("registration"),
    "Prepare rollout": _outcome("rollout"),
    "Check rollout": _outcome("check"),
}
