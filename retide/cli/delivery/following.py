"""Follow pushes live through the pipeline: say every action as it ends, until nothing moves any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from retide.cli.delivery.outcomes import Delivery, Fate
from retide.cli.delivery.pipeline import Action
from retide.cli.delivery.pushes import Way
from retide.cli.output import Progress
from retide.cli.watch import Pace

LOCAL: Final = Pace(interval=0.5, patience=30.0)
REMOTE: Final = Pace(interval=5.0, patience=180.0)


class View(Protocol):
    """What can be seen of the deliveries from outside."""

    def moving(self, since: datetime, followed: Collection[str]) -> tuple[Delivery, ...]:
        """Oldest first: those under way or begun after `since`, and those of the commits that are followed already."""
        ...


@dataclass
class Following:
    """One following; `commit` (its whole name) leaves all others out."""

    view: View
    progress: Progress
    pace: Pace
    since: datetime
    commit: str = ""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _followed: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)
    _last: object = None
    _changed_at: float = 0.0
    _speaking: str = ""

    def until_quiet(self) -> tuple[Delivery, ...]:
        """Follow until every delivery has an outcome or waits for a person; the deliveries as they were seen last."""
        self._changed_at = self.clock()
        while True:
            seen = self._look()
            for delivery in seen:
                self._tell(delivery)
            if self._quiet(seen) or self._stuck(seen):
                return seen
            self.sleep(self.pace.interval)

    def _look(self) -> tuple[Delivery, ...]:
        """What is seen once is looked at until its outcome, however short it ran."""
        self._followed |= {self.commit} - {""}
        seen = self.view.moving(self.since, self._followed)
        self._followed |= {delivery.commit.name for delivery in seen}
        return tuple(one for one in seen if self.commit in ("", one.commit.name))

    def _quiet(self, seen: Sequence[Delivery]) -> bool:
        """What waits behind an approval moves no more than the approval itself."""
        if self.commit and not seen:
            return False
        fates = {delivery.fate for delivery in seen if not _over(delivery)}
        return not fates or (Fate.APPROVAL in fates and fates <= {Fate.APPROVAL, Fate.QUEUED})

    def _stuck(self, seen: Sequence[Delivery]) -> bool:
        """Patience counts from the last change; a build that runs is not silence."""
        now = tuple((delivery.commit.name, delivery.text) for delivery in seen)
        if now != self._last or any(delivery.fate.busy for delivery in seen):
            self._changed_at = self.clock()
        self._last = now
        return self.clock() - self._changed_at > self.pace.patience

    def _tell(self, delivery: Delivery) -> None:
        for action in delivery.actions:
            if not action.running and action.id not in self._told:
                self._say_whose(delivery)
                self._say(action, delivery)
                self._told.add(action.id)
        end = f"{delivery.commit.name} {delivery.text}"
        if (_over(delivery) or delivery.fate is Fate.APPROVAL) and end not in self._told:
            self._say_whose(delivery)
            mark = "note" if delivery.fate is Fate.APPROVAL else "warning" if delivery.fate.bad else "done"
            self.progress.line(mark, "ended" if _over(delivery) else "waits", delivery.text)
            self._told.add(end)
        if delivery.fate.busy:
            self.progress.doing(f"{delivery.commit.short} {delivery.text}")

    def _say(self, action: Action, delivery: Delivery) -> None:
        took = (action.updated - action.started).total_seconds()
        failed = action.status != "Succeeded"
        build = (delivery.builds or {}).get(action.build) if failed else None
        why = (build.reason if build else "") or action.error
        self.progress.line("failed" if failed else "done", action.stage, why if failed else action.name, took)

    def _say_whose(self, delivery: Delivery) -> None:
        """A headline wherever the lines of another push begin."""
        if self._speaking != delivery.commit.name:
            self.progress.headline(f"commit {delivery.commit.short}: {delivery.commit.subject}")
        self._speaking = delivery.commit.name


def _over(delivery: Delivery) -> bool:
    """A cancelled execution is followed by another, of the same commit or of a newer one that carries it.

    A commit that is not on the branch any more is carried by nobody.
    """
    carried = bool(delivery.pushed.by) or delivery.pushed.way is Way.REPLACED
    return delivery.fate.over and (delivery.fate is not Fate.CANCELLED or carried)
