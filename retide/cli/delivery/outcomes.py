"""The outcome of a push in words: which road it took, how far it came, why it failed, what it changed. Pure rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from retide.cli.delivery.builds import Build
from retide.cli.delivery.checkout import SHOWN, Commit
from retide.cli.delivery.effects import Effect, State
from retide.cli.delivery.pipeline import Action, Execution, Place, last
from retide.cli.delivery.pushes import Pushed, Way
from retide.cli.times import clock

FILES_SHOWN: Final = 3
APPROVAL: Final = "Approval"


class Fate(StrEnum):
    NOTHING = "nothing to deploy"
    TOGETHER = "went with another"
    UNSEEN = "not delivered"
    QUEUED = "queued"
    RUNNING = "running"
    WATCHED = "watched"
    APPROVAL = "waits for approval"
    DEPLOYED = "deployed"
    FAILED = "failed"
    REJECTED = "rejected"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled back"

    @property
    def over(self) -> bool:
        return self not in {Fate.QUEUED, Fate.RUNNING, Fate.WATCHED, Fate.APPROVAL, Fate.UNSEEN}

    @property
    def busy(self) -> bool:
        """Something works on it, or watches it: it will move by itself."""
        return self in {Fate.RUNNING, Fate.WATCHED}

    @property
    def bad(self) -> bool:
        return self in {Fate.FAILED, Fate.REJECTED, Fate.STOPPED, Fate.ROLLED_BACK}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One push and all that is known of its road; `place` is where it stands while it is under way."""

    pushed: Pushed
    actions: tuple[Action, ...] = ()
    builds: Mapping[str, Build] | None = None
    effects: tuple[Effect, ...] = ()
    place: Place | None = None

    @property
    def commit(self) -> Commit:
        return self.pushed.commit

    @property
    def stages(self) -> tuple[str, ...]:
        """Those that it entered, in order."""
        return tuple(dict.fromkeys(action.stage for action in self.actions))

    @property
    def failed(self) -> Action | None:
        """The action that ended the road."""
        return last(tuple(action for action in self.actions if action.status in {"Failed", "Abandoned"}))

    @property
    def fate(self) -> Fate:
        execution = self.pushed.execution
        if execution is None:
            return {Way.IGNORED: Fate.NOTHING, Way.TOGETHER: Fate.TOGETHER}.get(self.pushed.way, Fate.UNSEEN)
        if self.pushed.reverted:
            return Fate.ROLLED_BACK
        return self._underway() if execution.running else self._ended(execution)

    def _underway(self) -> Fate:
        now = last(self.actions)
        if now and now.running and now.category == APPROVAL:
            return Fate.APPROVAL
        if self.place and self.place.waits:
            return Fate.QUEUED
        return Fate.WATCHED if self.place and self.place.watched else Fate.RUNNING

    def _ended(self, execution: Execution) -> Fate:
        if execution.status == "Failed" and self.failed and self.failed.category == APPROVAL:
            return Fate.REJECTED
        return _ENDS[execution.status]

    @property
    def text(self) -> str:
        """One line."""
        told = _TELLERS[self.fate](self)
        return f"{told} (not on the branch any more)" if self.pushed.way is Way.REPLACED else told


_ENDS: Final = {
    "Succeeded": Fate.DEPLOYED,
    "Failed": Fate.FAILED,
    "Stopped": Fate.STOPPED,
    "Cancelled": Fate.CANCELLED,
    "Superseded": Fate.CANCELLED,
}


def _nothing(delivery: Delivery) -> str:
    return f"nothing to deploy: only {named(delivery.commit.files)} changed"


def named(files: Sequence[str], shown: int = FILES_SHOWN) -> str:
    """The first files, and how many more there are."""
    if not files:
        return "the history"
    more = len(files) - shown
    return ", ".join(files[:shown]) + (f" and {more} more" if more > 0 else "")


def _together(delivery: Delivery) -> str:
    return f"went with commit {delivery.pushed.by[:SHOWN]}, which was pushed together with it"


def _unseen(_: Delivery) -> str:
    return "not delivered: the pipeline has not seen it; push it, or look for a connection that waits for its handshake"


def _queued(delivery: Delivery) -> str:
    place = delivery.place
    if place and place.watched:
        return f"waits for {place.stage}, whose alarms are watched {_until(place)} for the commit before"
    return f"waits for {place.stage if place else 'a stage'}, which another commit is in"


def _running(delivery: Delivery) -> str:
    return f"in {delivery.place.stage if delivery.place else (delivery.stages or ('Source',))[-1]}"


def _watched(delivery: Delivery) -> str:
    place = delivery.place
    return f"deployed; {place.stage if place else 'the stage'}'s alarms are watched {_until(place)}"


def _until(place: Place | None) -> str:
    return f"until {clock(place.until.isoformat())}" if place and place.until else "for a while"


def _approval(delivery: Delivery) -> str:
    name = delivery.commit.short
    return f"waits for approval: `retide delivery approve {name}` or `retide delivery reject {name}`"


def _deployed(delivery: Delivery) -> str:
    """What counts is the last stage: what it meant for staging is part of the road."""
    effects = [effect for effect in delivery.effects if effect.stage == delivery.effects[-1].stage]
    told = [effect for effect in effects if effect.state is not State.NOTHING or effect.run]
    same = ["no retrain: no model's code changed"] if effects and not told else []
    return "; ".join(["deployed", *same, *(f"{effect.model}: {effect.text}" for effect in told)])


def _failed(delivery: Delivery) -> str:
    execution, action = delivery.pushed.execution, delivery.failed
    if action is None:
        return f"failed: {execution.summary if execution and execution.summary else 'CodePipeline gives no reason'}"
    build = (delivery.builds or {}).get(action.build)
    why = (build.reason if build else "") or action.error or action.summary or "no reason was given"
    return f"failed in {action.stage}: {' '.join(why.split())}"


def _rejected(delivery: Delivery) -> str:
    said = delivery.failed.summary if delivery.failed else ""
    return f"rejected by a person{f': {said}' if said else ''}"


def _stopped(delivery: Delivery) -> str:
    execution = delivery.pushed.execution
    return f"stopped{f': {execution.stopped}' if execution and execution.stopped else ''}"


def _cancelled(delivery: Delivery) -> str:
    told, by = "cancelled when the pipeline itself changed", delivery.pushed.by
    if by:
        return f"{told}; commit {by[:SHOWN]} carries it on"
    return told if delivery.pushed.way is Way.REPLACED else f"{told}, and nothing carries it on yet"


def _rolled_back(delivery: Delivery) -> str:
    why = _failed(delivery) if delivery.failed else f"an alarm rang after it was deployed{_which(delivery)}"
    return f"rolled back to the deployment before: {why}"


def _which(delivery: Delivery) -> str:
    """CodePipeline's own words about the condition that did not hold name the alarm."""
    execution = delivery.pushed.execution
    return f" ({execution.summary})" if execution and execution.summary else ""


_TELLERS: Final = {
    Fate.NOTHING: _nothing,
    Fate.TOGETHER: _together,
    Fate.UNSEEN: _unseen,
    Fate.QUEUED: _queued,
    Fate.RUNNING: _running,
    Fate.WATCHED: _watched,
    Fate.APPROVAL: _approval,
    Fate.DEPLOYED: _deployed,
    Fate.FAILED: _failed,
    Fate.REJECTED: _rejected,
    Fate.STOPPED: _stopped,
    Fate.CANCELLED: _cancelled,
    Fate.ROLLED_BACK: _rolled_back,
}
