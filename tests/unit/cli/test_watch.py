"""Following a stage until nothing moves."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rich.console import Console

from retide.cli.executions import Execution, StateSeen
from retide.cli.output import Progress
from retide.cli.watch import Pace, Watch, detail
from retide.ports import Machine

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = Execution("arn:1", "tumour-1-1", Machine.RETRAIN, "RUNNING", START)
ENDED = Execution("arn:1", "tumour-1-1", Machine.RETRAIN, "SUCCEEDED", START, START + timedelta(seconds=9))
OLD = Execution("arn:0", "tumour-0-1", Machine.RETRAIN, "SUCCEEDED", START, START - timedelta(seconds=9))


@dataclass
class Frame:
    """What can be seen at one look."""

    executions: tuple[Execution, ...] = ()
    states: tuple[StateSeen, ...] = ()
    unsettled: tuple[str, ...] = ()


@dataclass
class FakeView:
    """Shows one frame after the other; the last one stays."""

    frames: list[Frame]
    looks: int = 0
    time: float = 0.0
    slept: list[float] = field(default_factory=list)

    def executions(self) -> tuple[Execution, ...]:
        return self._now.executions

    def states(self, _: Execution) -> tuple[StateSeen, ...]:
        return self._now.states

    def ending(self, _: Execution) -> tuple[str, str]:
        return "kept", "the champion is better"

    def causes(self, _: Execution) -> tuple[str, ...]:
        return ("data", "code")

    def unsettled(self, _: str) -> tuple[str, ...]:
        return self._now.unsettled

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        self.looks += 1

    @property
    def _now(self) -> Frame:
        return self.frames[min(self.looks, len(self.frames) - 1)]


def follow(view: FakeView, also: Callable[[], bool] = lambda: True) -> tuple[tuple[str, ...], list[str]]:
    """What stayed open, and the lines that were said."""
    said = io.StringIO()
    progress = Progress(Console(file=said, width=100))
    watch = Watch(view, ("tumour",), progress, Pace(1.0, 10.0), START, clock=lambda: view.time, sleep=view.sleep)
    return watch.until_quiet(also), [" ".join(line.split()) for line in said.getvalue().splitlines()]


def state(name: str, at: float, seconds: float | None = 1.0, **output: object) -> StateSeen:
    return StateSeen(name, START + timedelta(seconds=at), seconds, output)


def test_where_nothing_moves_following_ends_at_once() -> None:
    view = FakeView([Frame()])
    assert follow(view) == ((), [])
    assert view.slept == []


def test_each_state_is_said_once_and_in_order_with_the_end_and_its_reason() -> None:
    claim = state("Claim", 0, claim={"outcome": "claimed", "objects": [0, 1]})
    gate = state("Gate", 1, gate={"outcome": "kept"})
    view = FakeView(
        [
            Frame((RUN,), (state("Claim", 0, None),)),
            Frame((RUN,), (claim, state("Gate", 1, None))),
            Frame((RUN,), (claim, state("Gate", 1, None))),
            Frame((ENDED,), (claim, gate)),
        ]
    )
    open_ends, said = follow(view)
    assert open_ends == ()
    assert said == [
        "retrain tumour-1-1",
        "✓ Claim 1.0 s 2 files; cause: data, code",
        "✓ Gate 1.0 s kept",
        "✓ ended 9.0 s kept: the champion is better",
    ]


def test_a_wait_counts_for_the_state_that_it_was_for() -> None:
    states = (state("Create endpoint", 0), state("Describe endpoint", 6.0, 0.5))
    _, said = follow(FakeView([Frame((ENDED,), states)]))
    assert said[2] == "✓ Describe endpoint 5.5 s"


def test_what_waits_in_the_queue_is_waited_for() -> None:
    view = FakeView([Frame(unsettled=("one message",)), Frame(unsettled=("one message",)), Frame()])
    assert follow(view)[0] == ()
    assert len(view.slept) == 2


def test_what_never_moves_is_named_when_patience_ends() -> None:
    view = FakeView([Frame(unsettled=("version 2 is not deployed",))])
    assert follow(view)[0] == ("version 2 is not deployed",)
    assert 10 < view.time < 13


def test_a_job_that_runs_for_long_is_never_called_stuck() -> None:
    view = FakeView([*[Frame((RUN,), (state("Train", 0, None),))] * 50, Frame((ENDED,), (state("Train", 0, 50.0),))])
    assert follow(view)[0] == ()


def test_a_condition_that_never_comes_ends_with_words_too() -> None:
    assert follow(FakeView([Frame()]), also=lambda: False)[0] == ("nothing happened",)


def test_what_ended_before_and_other_models_are_left_alone() -> None:
    other = Execution("arn:9", "diabetes-1-1", Machine.RETRAIN, "RUNNING", START)
    assert follow(FakeView([Frame((OLD, other))])) == ((), [])


def test_a_state_without_a_teller_has_no_detail() -> None:
    assert detail("Train", {"claim": {}}) == ""
    assert detail("Freeze", {"dataset": {"outcome": "empty"}}) == "empty"
    assert detail("Check rollout", {"check": {"outcome": "failed", "reason": "no ping"}}) == "failed: no ping"
