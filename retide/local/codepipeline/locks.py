"""Who may be in which stage: one execution at a time, the others wait in the order in which they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Mode(StrEnum):
    QUEUED = "QUEUED"
    SUPERSEDED = "SUPERSEDED"


@dataclass(frozen=True, slots=True)
class Moves:
    """What follows from one change: who enters its stage now, and whom a later execution has made superfluous."""

    entered: tuple[tuple[str, str], ...] = ()
    superseded: tuple[str, ...] = ()

    def __add__(self, other: Moves) -> Moves:
        return Moves(self.entered + other.entered, self.superseded + other.superseded)


@dataclass(slots=True)
class _Stage:
    holder: str | None = None
    waiting: list[str] = field(default_factory=list)
    enabled: bool = True


class StageLocks:
    """Executions are known by their ids; nothing here runs anything. Not thread-safe: the owner holds its lock."""

    def __init__(self, stages: Sequence[str], mode: Mode) -> None:
        self._stages = {name: _Stage() for name in stages}
        self._mode = mode

    def arrive(self, execution: str, stage: str, *, first: bool = False) -> Moves:
        """The execution wants to enter; `first` puts it before all who wait there (a retry, a rollback)."""
        waiting = self._stages[stage].waiting
        superseded = () if first else self._superseded(waiting)
        waiting.insert(0 if first else len(waiting), execution)
        return Moves(superseded=superseded) + self._admit(stage)

    def go_on(self, execution: str, stage: str, following: str) -> Moves:
        """The execution has passed a stage and wants to enter the following one."""
        moves = self.arrive(execution, following)
        self._stages[stage].holder = None
        return moves + self._admit(stage)

    def leave(self, execution: str) -> Moves:
        """The execution is in no stage any more and waits nowhere; the next one may enter."""
        moves = Moves()
        for name, stage in self._stages.items():
            if execution in stage.waiting:
                stage.waiting.remove(execution)
            if stage.holder == execution:
                stage.holder = None
                moves += self._admit(name)
        return moves

    def occupy(self, execution: str, stage: str) -> None:
        """Somebody is in the stage already: what runs on while the pipeline's definition is replaced."""
        self._stages[stage].holder = execution

    def enable(self, stage: str) -> Moves:
        """Open the way into a stage."""
        self._stages[stage].enabled = True
        return self._admit(stage)

    def disable(self, stage: str) -> None:
        """Close the way into a stage; who is in it stays."""
        self._stages[stage].enabled = False

    def holder(self, stage: str) -> str | None:
        return self._stages[stage].holder

    def waiting(self, stage: str) -> tuple[str, ...]:
        return tuple(self._stages[stage].waiting)

    def _superseded(self, waiting: list[str]) -> tuple[str, ...]:
        if self._mode is Mode.QUEUED:
            return ()
        overtaken = tuple(waiting)
        waiting.clear()
        return overtaken

    def _admit(self, name: str) -> Moves:
        stage = self._stages[name]
        if not stage.enabled or stage.holder is not None or not stage.waiting:
            return Moves()
        stage.holder = stage.waiting.pop(0)
        return Moves(entered=((stage.holder, name),))
