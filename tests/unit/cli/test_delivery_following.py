"""Following pushes: every action once, an end for each, and no waiting for what will not come."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console

from retide.cli.delivery.following import Following
from retide.cli.delivery.outcomes import Delivery
from retide.cli.delivery.pipeline import Place
from retide.cli.delivery.pushes import Pushed, Way
from retide.cli.output import Progress
from retide.cli.watch import Pace
from tests.unit.cli.deliveries import START, action, commit, delivery, execution, name


@dataclass
class Looks:
    """What can be seen, look after look; the last look stays. What has ended is seen by those only who follow it."""

    looks: Sequence[tuple[Delivery, ...]]
    asked: int = 0

    def moving(self, since: datetime, followed: Collection[str]) -> tuple[Delivery, ...]:
        assert since == START
        self.asked += 1
        now = self.looks[min(self.asked, len(self.looks)) - 1]
        return tuple(one for one in now if not one.fate.over or one.commit.name in followed or self.asked == 1)


@dataclass
class Time:
    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def follow(*looks: tuple[Delivery, ...], one: str = "") -> tuple[str, tuple[Delivery, ...], float]:
    """What was said, what was seen last, and how many seconds that took."""
    console, time = Console(file=io.StringIO(), width=160), Time()
    following = Following(Looks(looks), Progress(console), Pace(1.0, 10.0), START, one, time.clock, time.sleep)
    seen = following.until_quiet()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), seen, time.now


def test_every_action_is_said_once_and_the_end_with_its_outcome() -> None:
    building = delivery("a", "InProgress", action("Source", at=0), action("Build", "InProgress"))
    done = delivery("a", "Succeeded", action("Source", at=0), action("Build"), action("Production", at=3))
    said, seen, _ = follow((building,), (building,), (done,))
    lines = [line.split() for line in said.splitlines()]
    assert [line[1] for line in lines if line[0] == "✓"] == ["Source", "Build", "Production", "ended"]
    assert f"commit {name('a')[:10]}: Change a" in said
    assert seen == (done,)


def test_a_failure_is_said_with_its_reason() -> None:
    broken = delivery("a", "Failed", action("Build", "Failed", error="it broke"))
    said, seen, _ = follow((broken,))
    assert "✗ Build" in said
    assert "it broke" in said
    assert seen[0].fate.bad


def test_who_waits_for_a_person_is_not_waited_for_nor_who_waits_behind() -> None:
    asked = delivery("a", "InProgress", action("Staging"), action("Approval", "InProgress", at=2))
    behind = delivery("b", "InProgress", action("Staging"), place=Place("Approval", waits=True))
    said, _, took = follow((asked, behind))
    assert "waits for approval" in said
    assert took == 0


def test_a_cancelled_push_is_followed_until_another_execution_carries_it_on() -> None:
    cancelled = delivery("a", "Cancelled", action("SelfUpdate"))
    again = delivery("a", "Succeeded", action("SelfUpdate"), action("Production", at=3))
    _, seen, took = follow((cancelled,), (cancelled,), (again,))
    assert (seen, took) == ((again,), 2)


def test_a_cancelled_push_that_a_forced_one_replaced_is_waited_for_no_longer() -> None:
    replaced = Pushed(commit("a"), Way.REPLACED, (execution("a", "Cancelled"),))
    assert follow((Delivery(replaced),))[2] == 0


def test_what_never_moves_is_given_up_after_a_while_and_what_runs_is_not() -> None:
    queued = delivery("b", "InProgress", action("Build"), place=Place("Staging", waits=True))
    assert 10 < follow((queued,))[2] < 13
    running = delivery("a", "InProgress", action("Build", "InProgress"))
    done = delivery("a", "Succeeded", action("Build"))
    assert follow(*[(running,)] * 50, (done,))[2] == 50


def test_nothing_under_way_is_quiet_at_once_unless_one_push_is_waited_for() -> None:
    assert follow(())[1:] == ((), 0)
    done = delivery("a", "Succeeded", action("Build"))
    _, seen, took = follow((), (), (done,), one=commit("a").name)
    assert (seen, took) == ((done,), 2)


def test_of_two_pushes_the_one_that_is_waited_for_is_told_alone() -> None:
    other, mine = delivery("a", "Failed", action("Build", "Failed")), delivery("b", "Succeeded", action("Build"))
    said, seen, _ = follow((other, mine), one=commit("b").name)
    assert seen == (mine,)
    assert commit("a").short not in said
