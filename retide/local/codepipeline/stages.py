"""Takes one execution through one stage: entry condition, actions by run order, condition on success, retry."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import partial

from retide.local.codepipeline.conditions import Conditions
from retide.local.codepipeline.definition import APPROVAL, Action
from retide.local.codepipeline.events import Events
from retide.local.codepipeline.executions import (
    STANDARD,
    ActionRun,
    Execution,
    Outcome,
    StageRun,
    Status,
    failure,
)
from retide.local.codepipeline.orders import Order, Worker, carry_out
from retide.local.codepipeline.turns import Turns
from retide.local.codepipeline.variables import Unresolved, resolved

APPROVAL_MINUTES = 7 * 24 * 60

Left = Callable[[Execution, StageRun, bool], None]
"""The execution has left the stage; the flag says whether the stage is to be rolled back."""


class Stages:
    """Every method is called in a turn of the pipeline, but for `report`, which takes one."""

    def __init__(
        self, turns: Turns, events: Events, workers: Mapping[str, Worker], conditions: Conditions, left: Left
    ) -> None:
        self._turns = turns
        self._events = events
        self._workers = workers
        self._conditions = conditions
        self._left = left

    def enter(self, execution: Execution, run: StageRun) -> None:
        """The stage is the execution's own now."""
        self._events.stage(execution, run)
        condition = run.stage.before_entry
        if condition is None or run.runs or execution.kind != STANDARD:
            self.advance(execution, run)
        else:
            decided = partial(self._entry_decided, execution, run, condition.result)
            self._conditions.evaluate(execution, run, "beforeEntry", condition, decided)

    def advance(self, execution: Execution, run: StageRun) -> None:
        """Begin what can begin, or find out that the stage is over."""
        if run.is_busy:
            return
        if execution.status is not Status.IN_PROGRESS:
            cancelled = execution.status is Status.CANCELLED
            self._leave(execution, run, Status.CANCELLED if cancelled else Status.STOPPED)
        elif run.with_status(Status.FAILED):
            self._failed(execution, run)
        elif actions := run.next_actions():
            for action in actions:
                self._start(execution, run, action)
            self.advance(execution, run)
        else:
            self._succeeded(execution, run)

    def report(self, execution: Execution, run: StageRun, one: ActionRun, outcome: Outcome) -> bool:
        """An action has ended. False when nobody waits for it any more."""
        with self._turns:
            if self._turns.closed or one.status is not Status.IN_PROGRESS:
                return False
            self._finish(execution, one, Status.SUCCEEDED if outcome.succeeded else Status.FAILED, outcome)
            self.advance(execution, run)
            return True

    def abandon(self, execution: Execution, run: StageRun, *, approvals_only: bool = False) -> None:
        """Wait for what runs no longer; builds are left to themselves, as on AWS."""
        for one in run.with_status(Status.IN_PROGRESS):
            if not approvals_only or one.action.provider == APPROVAL:
                self._finish(execution, one, Status.ABANDONED, None)
        self._conditions.abandon(run)

    def _start(self, execution: Execution, run: StageRun, action: Action) -> None:
        now = self._turns.clock.now()
        one = ActionRun(action, run.stage.name, now, now)
        run.runs[action.name] = one
        execution.history.append(one)
        self._events.action(execution, one)
        try:
            one.configuration = resolved(action.configuration, execution.values())
        except Unresolved as problem:
            message = "An action in this pipeline failed because one of the action variables could not be resolved"
            self._finish(execution, one, Status.FAILED, failure("ConfigurationError", f"{message}: {problem}"))
            return
        missing = [name for name in action.inputs if name not in execution.artifacts]
        if missing:
            why = failure("ConfigurationError", f"There is no input artifact {missing[0]}: no action has made it")
            self._finish(execution, one, Status.FAILED, why)
            return
        one.inputs = tuple(execution.artifacts[name] for name in action.inputs)
        self._hand_over(execution, run, one)

    def _hand_over(self, execution: Execution, run: StageRun, one: ActionRun) -> None:
        report = partial(self.report, execution, run, one)
        if one.action.provider == APPROVAL:
            one.token = str(uuid.uuid4())
            minutes = one.action.minutes or APPROVAL_MINUTES
            late = failure("JobFailed", f"Nobody has answered the approval within {minutes} minutes")
            one.timer = self._turns.after(minutes * 60, partial(report, late))
        action = one.action
        order = Order(
            pipeline=execution.definition.name,
            execution=execution.id,
            stage=one.stage,
            action=action,
            configuration=dict(one.configuration),
            inputs=one.inputs,
            bucket=execution.definition.bucket,
            override=execution.overrides.get(action.name),
            token=one.token,
        )
        self._turns.then(partial(self._set_off, one, order, report))

    def _set_off(self, one: ActionRun, order: Order, report: Callable[[Outcome], bool]) -> None:
        """Unless the action was abandoned before it could begin."""
        if one.status is Status.IN_PROGRESS:
            carry_out(self._workers[order.action.provider], order, partial(self._started, one), report)

    def _started(self, one: ActionRun, external_id: str, external_url: str) -> None:
        with self._turns:
            one.external_id, one.external_url = external_id, external_url
            one.updated = self._turns.clock.now()

    def _finish(self, execution: Execution, one: ActionRun, status: Status, outcome: Outcome | None) -> None:
        one.status, one.outcome, one.updated = status, outcome, self._turns.clock.now()
        execution.updated = one.updated
        if one.timer is not None:
            one.timer.cancel()
        if outcome is not None and outcome.succeeded:
            _keep(execution, one.action, outcome)
        self._events.action(execution, one)

    def _entry_decided(self, execution: Execution, run: StageRun, result: str, met: bool) -> None:
        if met or execution.status is not Status.IN_PROGRESS:
            self.advance(execution, run)
        else:
            self._leave(execution, run, Status.SKIPPED if result == "SKIP" else Status.FAILED)

    def _succeeded(self, execution: Execution, run: StageRun) -> None:
        condition = run.stage.on_success
        if condition is None or execution.kind != STANDARD:
            self._leave(execution, run, Status.SUCCEEDED)
        else:
            decided = partial(self._success_decided, execution, run, condition.result)
            self._conditions.evaluate(execution, run, "onSuccess", condition, decided)

    def _success_decided(self, execution: Execution, run: StageRun, result: str, met: bool) -> None:
        if execution.status is not Status.IN_PROGRESS:
            self.advance(execution, run)
        else:
            self._leave(execution, run, Status.SUCCEEDED if met else Status.FAILED, not met and result == "ROLLBACK")

    def _failed(self, execution: Execution, run: StageRun) -> None:
        """AWS retries a stage once by itself."""
        stage = run.stage
        if stage.on_failure == "RETRY" and not run.automatic_retries:
            run.automatic_retries, run.last_retry = 1, "AutomatedStageRetry"
            run.forget(all_actions=stage.retry_all)
            self.advance(execution, run)
        else:
            self._leave(execution, run, Status.FAILED, stage.on_failure == "ROLLBACK")

    def _leave(self, execution: Execution, run: StageRun, status: Status, roll_back: bool = False) -> None:
        run.status = status
        self._events.stage(execution, run)
        self._left(execution, run, roll_back)


def _keep(execution: Execution, action: Action, outcome: Outcome) -> None:
    """What the actions after this one build upon."""
    execution.artifacts.update({artifact.name: artifact for artifact in outcome.artifacts})
    if action.namespace:
        execution.variables[action.namespace] = outcome.variables
    if outcome.revision is not None:
        others = [revision for revision in execution.revisions if revision.action != action.name]
        execution.revisions = [*others, outcome.revision]
