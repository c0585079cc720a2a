"""Whatever happens in whatever order: one execution a stage, and every execution comes to a clear end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from retide.local.clock import Clock
from retide.local.codepipeline.definition import APPROVAL, BUILD, SOURCE, parsed
from retide.local.codepipeline.engine import Engine
from retide.local.codepipeline.events import Events
from retide.local.codepipeline.executions import (
    Artifact,
    Closing,
    Effect,
    Execution,
    Outcome,
    Status,
    Trigger,
    failure,
)
from retide.local.codepipeline.orders import Order, Report, Started
from retide.local.codepipeline.turns import Turns
from retide.local.errors import ApiError
from retide.local.interfaces import Event, Json, Settings
from tests.contract.local_codepipeline.bench import build, source_action, stage

ENDS = {Status.SUCCEEDED, Status.FAILED, Status.STOPPED, Status.CANCELLED}
ROLLBACK: Json = {"onFailure": {"result": "ROLLBACK"}}
RETRY: Json = {"onFailure": {"result": "RETRY", "retryConfiguration": {"retryMode": "ALL_ACTIONS"}}}
DECLARED: Json = {
    "name": "any",
    "artifactStore": {"type": "S3", "location": "artifacts"},
    "executionMode": "QUEUED",
    "stages": [
        stage("Source", source_action()),
        stage("Build", build("Lint"), build("Unit"), build("Pack", runOrder=2), **RETRY),
        stage("Deploy", build("Deploy"), **ROLLBACK),
    ],
}


class Hand:
    """Does every action when, and as, the test decides."""

    def __init__(self) -> None:
        self.open: list[tuple[Order, Report]] = []

    def begin(self, order: Order, started: Started, report: Report) -> None:
        started("outside", "https://example.org")
        self.open.append((order, report))

    def emit_event(self, event: Event) -> None:
        """Nobody listens."""


class Any(RuleBasedStateMachine):
    """People, builds and threads in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.hand = Hand()
        self.effects: list[Effect] = []
        self.clock = Clock(0.0)
        self.clock.hold()
        turns = Turns(self.clock, self.effects.append)
        workers = {SOURCE: self.hand, BUILD: self.hand, APPROVAL: self.hand}
        events = Events(self.hand, Settings(Path(), "", {}, self.clock))
        self.engine = Engine(parsed(DECLARED, 1), turns, events, workers, None)
        self.started: list[Execution] = []

    def teardown(self) -> None:
        """Let everything run to its end: nothing may hang."""
        for name in ("Source", "Build", "Deploy"):
            self.engine.open(self.engine.stage(name))
        for _ in range(2000):
            if self.effects:
                self.effects.pop(0)()
            elif self.hand.open:
                self.answer(0, True)
            else:
                break
        assert {one.status for one in self.engine.executions.values()} <= ENDS
        assert all(one.id in self.engine.executions for one in self.started)
        self.clock.close()

    def answer(self, position: int, good: bool) -> None:
        order, report = self.hand.open.pop(position)
        made = tuple(Artifact(name, "artifacts", name) for name in order.action.outputs)
        report(Outcome(True, artifacts=made) if good else failure("JobFailed", "no"))

    def chosen(self, position: int) -> Execution:
        return list(self.engine.executions.values())[position % len(self.engine.executions)]

    @rule()
    def start(self) -> None:
        self.attempt(lambda: self.started.append(self.engine.start(Trigger("WebhookV2", "push"))))

    @precondition(lambda self: self.effects)
    @rule(position=st.integers(0, 20))
    def go_on_with_any_thread(self, position: int) -> None:
        self.effects.pop(position % len(self.effects))()

    @precondition(lambda self: self.hand.open)
    @rule(position=st.integers(0, 20), good=st.booleans())
    def end_any_action(self, position: int, good: bool) -> None:
        self.answer(position % len(self.hand.open), good)

    @precondition(lambda self: self.engine.executions)
    @rule(position=st.integers(0, 20), abandon=st.booleans())
    def stop(self, position: int, abandon: bool) -> None:
        self.attempt(partial(self.engine.stop, self.chosen(position), abandon=abandon, reason=""))

    @precondition(lambda self: self.engine.executions)
    @rule(position=st.integers(0, 20), name=st.sampled_from(["Build", "Deploy"]))
    def retry(self, position: int, name: str) -> None:
        self.attempt(
            partial(self.engine.retry, self.chosen(position), self.engine.stage(name), all_actions=position % 2 == 0)
        )

    @rule()
    def update(self) -> None:
        self.engine.replace(parsed(DECLARED, self.engine.definition.version + 1))

    @rule(name=st.sampled_from(["Build", "Deploy"]))
    def close_the_way(self, name: str) -> None:
        self.engine.close(self.engine.stage(name), Closing("frozen", "me", self.clock.now()))

    @rule(name=st.sampled_from(["Build", "Deploy"]))
    def open_the_way(self, name: str) -> None:
        self.engine.open(self.engine.stage(name))

    def attempt(self, change: Callable[[], object]) -> None:
        with suppress(ApiError):
            change()

    @invariant()
    def one_execution_is_in_a_stage(self) -> None:
        busy = [run.stage.name for one in self.engine.executions.values() for run in one.running()]
        assert len(busy) == len(set(busy)), busy

    @invariant()
    def who_runs_holds_the_stage(self) -> None:
        for one in self.engine.executions.values():
            for run in one.running():
                assert self.engine.locks.holder(run.stage.name) == one.id

    @invariant()
    def what_has_ended_holds_nothing_but_what_still_runs(self) -> None:
        for name in self.engine.definition.stage_names:
            holder = self.engine.locks.holder(name)
            one = self.engine.executions.get(holder or "")
            assert one is None or one.is_under_way or list(one.running())
            assert all(self.engine.executions[name].is_under_way for name in self.engine.locks.waiting(name))


TestAny = Any.TestCase
TestAny.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
