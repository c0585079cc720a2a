"""Which commits were delivered by which executions, and which needed none: pure rules over git and the pipeline."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from retide.cli.delivery.checkout import Commit
from retide.cli.delivery.pipeline import Definition, Execution
from retide.local.git.pushes import Push, RefKind


class Way(StrEnum):
    """How a commit reached the pipeline."""

    DELIVERED = "delivered"
    IGNORED = "ignored"
    TOGETHER = "together"
    UNSEEN = "unseen"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Pushed:
    """One commit of the branch; `executions` are its own, oldest first, `by` is the newer commit that carries it.

    One that was replaced is not on the branch any more, and has had its execution all the same.
    `reverted` is the rollback that followed when the commit failed in a stage.
    """

    commit: Commit
    way: Way
    executions: tuple[Execution, ...] = ()
    by: str = ""
    reverted: Execution | None = None

    @property
    def execution(self) -> Execution | None:
        """The oldest that is under way, for it may ask a person, else the newest.

        An execution that the pipeline's own update cancelled is followed by another, and a commit can be pushed twice.
        """
        under_way = (one for one in self.executions if one.running)
        return next(under_way, self.executions[-1] if self.executions else None)


def match(commits: Sequence[Commit], executions: Sequence[Execution], definition: Definition) -> tuple[Pushed, ...]:
    """Newest first, back to the oldest commit that the pipeline ever saw; both arguments are newest first.

    What was pushed together is delivered by the execution of its last commit: a commit that would have started one
    and has none belongs to the next newer one that has.
    """
    rollbacks = _rollbacks(executions)
    carrier, found = "", []
    for place, commit in enumerate(commits):
        own = _own(commit, executions, newest=place == 0)
        reverted = next((rollbacks[one.id] for one in own if one.id in rollbacks), None)
        found.append(replace(_pushed(commit, own, carrier, definition), reverted=reverted))
        carrier = commit.name if own else carrier
    oldest = max((place for place, one in enumerate(found) if one.executions), default=None)
    return tuple(found if oldest is None else found[: oldest + 1])


def unlisted(commits: Sequence[Commit], executions: Sequence[Execution], *, whole: bool) -> dict[str, datetime]:
    """Commits that have an execution and are none of `commits`, with its start: by a forced push, or a merge.

    Unless `commits` are the whole branch, what began before the oldest was committed is older than what was asked for.
    """
    listed, oldest = {one.name for one in commits}, min(datetime.fromisoformat(one.at) for one in commits)
    return {
        one.commit: one.started
        for one in executions
        if one.commit and not one.rollback and one.commit not in listed and (whole or one.started >= oldest)
    }


def insert(
    found: Sequence[Pushed], others: Sequence[Commit], executions: Sequence[Execution], on_branch: Collection[str]
) -> tuple[Pushed, ...]:
    """`others`, which have executions, put among those that were `found`: newest first, by when they began."""
    rollbacks, woven = _rollbacks(executions), list(found)
    for commit in others:
        own = _own(commit, executions, newest=False)
        reverted = next((rollbacks[one.id] for one in own if one.id in rollbacks), None)
        way = Way.DELIVERED if commit.name in on_branch else Way.REPLACED
        one = Pushed(commit, way, own, reverted=reverted)
        older = (place for place, known in enumerate(woven) if _moment(known) < _moment(one))
        woven.insert(next(older, len(woven)), one)
    return tuple(woven)


def _moment(pushed: Pushed) -> datetime:
    return pushed.execution.started if pushed.execution else datetime.fromisoformat(pushed.commit.at)


def _own(commit: Commit, executions: Sequence[Execution], *, newest: bool) -> tuple[Execution, ...]:
    """Oldest first. One that has not looked at its source yet names no commit: it looks at the newest."""
    since = datetime.fromisoformat(commit.at)
    found = [
        one
        for one in executions
        if not one.rollback and (one.commit == commit.name or (newest and not one.commit and one.started >= since))
    ]
    return tuple(sorted(found, key=lambda one: one.started))


def _rollbacks(executions: Sequence[Execution]) -> dict[str, Execution]:
    """Each rollback by the id of the execution whose failure it answers: the one that failed right before it."""
    failed = [one for one in executions if one.status == "Failed" and not one.rollback]
    return {
        min(failed, key=lambda one: abs(one.updated - rollback.started)).id: rollback
        for rollback in executions
        if rollback.rollback and failed
    }


def _pushed(commit: Commit, own: tuple[Execution, ...], newer: str, definition: Definition) -> Pushed:
    """`newer` is the next newer commit that has an execution."""
    if own:
        given_up = own[-1].status in {"Cancelled", "Superseded"}
        return Pushed(commit, Way.DELIVERED, own, newer if given_up else "")
    if not starts(commit, definition):
        return Pushed(commit, Way.IGNORED)
    return Pushed(commit, Way.TOGETHER, by=newer) if newer else Pushed(commit, Way.UNSEEN)


def starts(commit: Commit, definition: Definition) -> bool:
    """Whether a push of this one commit starts the pipeline, by the pipeline's own filter."""
    push = Push(definition.repository, RefKind.BRANCH, definition.branch, commit.name, commit.files)
    return definition.trigger.admits(push, definition.branch)
