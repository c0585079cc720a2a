"""Moves the executions of one pipeline: starts, ends, retries, rolls back, stops them, and replaces the definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from retide.local.codepipeline.conditions import Conditions
from retide.local.codepipeline.definition import Definition, Stage
from retide.local.codepipeline.errors import conflict, no_execution, no_stage
from retide.local.codepipeline.events import Events
from retide.local.codepipeline.executions import (
    ROLLBACK,
    STANDARD,
    ActionRun,
    Closing,
    Execution,
    Outcome,
    Override,
    Revision,
    StageRun,
    Status,
    Trigger,
)
from retide.local.codepipeline.locks import Moves, StageLocks
from retide.local.codepipeline.orders import Worker
from retide.local.codepipeline.stages import Stages
from retide.local.codepipeline.turns import Turns

MOST_AT_ONCE: Final = 50  # AWS's limit on the executions of a QUEUED pipeline that have not ended


class Engine:
    """Whatever happens, every execution ends: in Succeeded, Failed, Stopped, Cancelled or Superseded."""

    def __init__(
        self, definition: Definition, turns: Turns, events: Events, workers: Mapping[str, Worker], cloudwatch: Any
    ) -> None:
        self.turns = turns
        self.definition = definition
        self.executions: dict[str, Execution] = {}
        self.latest: dict[str, str] = {}
        self.closed: dict[str, Closing] = {}
        self.locks = StageLocks(definition.stage_names, definition.mode)
        self._events = events
        self._stages = Stages(turns, events, workers, Conditions(turns, cloudwatch), self._left)

    def start(
        self,
        trigger: Trigger,
        *,
        overrides: Mapping[str, Override] | None = None,
        parameters: Mapping[str, str] | None = None,
        revisions: tuple[Revision, ...] = (),
    ) -> Execution:
        """Begin an execution. Raises ApiError when as many as AWS allows are under way."""
        with self.turns:
            execution = self._new(trigger)
            execution.overrides, execution.parameters = overrides or {}, parameters or {}
            execution.revisions = list(revisions)
            self._begin(execution, self.definition.stages[0])
            return execution

    def roll_back(self, stage: Stage, target: Execution, trigger: Trigger) -> Execution:
        """Run a stage again with what an earlier execution brought there."""
        with self.turns:
            execution = self._new(trigger)
            execution.kind, execution.target = ROLLBACK, target.id
            execution.artifacts, execution.variables = dict(target.artifacts), dict(target.variables)
            execution.revisions, execution.parameters = list(target.revisions), target.parameters
            self._begin(execution, stage, first=True)
            return execution

    def retry(self, execution: Execution, stage: Stage, *, all_actions: bool) -> None:
        """Go on from a failed stage. Raises ApiError when it is too late for that."""
        with self.turns:
            run = execution.stages.get(stage.name)
            if execution.status is not Status.FAILED or run is None or run.status is not Status.FAILED:
                raise conflict(
                    "StageNotRetryableException",
                    f"The stage {stage.name} has not failed in the execution {execution.id}",
                )
            if self.latest.get(stage.name) != execution.id:
                raise conflict(
                    "NotLatestPipelineExecutionException",
                    f"Another execution has been in {stage.name} since {execution.id}",
                )
            if execution.definition.version != self.definition.version:
                raise conflict(
                    "StageNotRetryableException", f"The pipeline was updated after the execution {execution.id} began"
                )
            self._check_room()
            run.manual_retries, run.last_retry = run.manual_retries + 1, "ManualStageRetry"
            run.forget(all_actions=all_actions)
            execution.attempt += 1
            self._set(execution, Status.IN_PROGRESS, resumed=True)
            self._apply(self.locks.arrive(execution.id, stage.name, first=True))

    def stop(self, execution: Execution, *, abandon: bool, reason: str) -> None:
        """Begin nothing more. Raises ApiError when the execution has ended or is being stopped already."""
        with self.turns:
            if not execution.is_under_way:
                message = (
                    f"The execution {execution.id} is {execution.status}: only one that is InProgress can be stopped"
                )
                raise conflict("PipelineExecutionNotStoppableException", message)
            if execution.status is Status.STOPPING and not abandon:
                raise conflict(
                    "DuplicatedStopRequestException", f"The execution {execution.id} is being stopped already"
                )
            execution.stop_reason = reason
            self._halt(execution, Status.STOPPING, abandon=abandon)

    def close(self, stage: Stage, closing: Closing) -> None:
        """Let nobody into the stage; who is in it stays."""
        with self.turns:
            self.closed[stage.name] = closing
            self.locks.disable(stage.name)

    def open(self, stage: Stage) -> None:
        """Let those in again who wait."""
        with self.turns:
            self.closed.pop(stage.name, None)
            self._apply(self.locks.enable(stage.name))

    def replace(self, definition: Definition) -> None:
        """Take a new version: executions under way are cancelled, and what they run ends by itself."""
        with self.turns:
            self.definition = definition
            self.closed = {name: why for name, why in self.closed.items() if definition.stage(name)}
            self._cancel_all()

    def cancel(self) -> None:
        """The pipeline is deleted."""
        with self.turns:
            self._cancel_all()

    def find(self, execution_id: str) -> Execution:
        """Raises ApiError when there is none."""
        execution = self.executions.get(execution_id)
        if execution is None:
            raise no_execution(self.definition.name, execution_id)
        return execution

    def stage(self, name: str) -> Stage:
        """Raises ApiError when the pipeline has none of that name."""
        stage = self.definition.stage(name)
        if stage is None:
            raise no_stage(self.definition.name, name)
        return stage

    def report(self, execution: Execution, run: StageRun, one: ActionRun, outcome: Outcome) -> bool:
        """An action has ended. False when nobody waits for it any more."""
        return self._stages.report(execution, run, one, outcome)

    def _new(self, trigger: Trigger) -> Execution:
        self._check_room()
        now = self.turns.clock.now()
        execution = Execution(self.definition, trigger, now, now)
        self.executions[execution.id] = execution
        return execution

    def _check_room(self) -> None:
        under_way = sum(execution.is_under_way for execution in self.executions.values())
        if under_way >= MOST_AT_ONCE:
            raise conflict(
                "ConcurrentPipelineExecutionsLimitExceededException",
                f"{self.definition.name} has {under_way} executions under way: at most {MOST_AT_ONCE} may be",
            )

    def _begin(self, execution: Execution, stage: Stage, *, first: bool = False) -> None:
        self._events.execution(execution)
        self._apply(self.locks.arrive(execution.id, stage.name, first=first))

    def _apply(self, moves: Moves) -> None:
        for overtaken in moves.superseded:
            self._set(self.executions[overtaken], Status.SUPERSEDED)
        for entered, name in moves.entered:
            execution = self.executions[entered]
            self.latest[name] = entered
            run = execution.stages.setdefault(name, StageRun(self.stage(name)))
            self._stages.enter(execution, run)

    def _left(self, execution: Execution, run: StageRun, roll_back: bool) -> None:
        """The stage is over for this execution; what comes next enters, or waits."""
        moves, name = Moves(), run.stage.name
        if run.status in (Status.SUCCEEDED, Status.SKIPPED):
            moves = self._go_on(execution, name)
        elif run.status is Status.CANCELLED:
            moves = self.locks.leave(execution.id)
        else:
            self._set(execution, run.status, summary=_reason(run))
            if roll_back and execution.kind == STANDARD:
                self._roll_back_from(execution, run.stage)
            moves = self.locks.leave(execution.id)
        self._apply(moves)

    def _go_on(self, execution: Execution, stage: str) -> Moves:
        following = execution.definition.following(stage)
        if following is not None and execution.kind == STANDARD:
            return self.locks.go_on(execution.id, stage, following)
        self._set(execution, Status.SUCCEEDED)
        return self.locks.leave(execution.id)

    def _roll_back_from(self, execution: Execution, stage: Stage) -> None:
        """To the newest execution that this version took through the stage; without one AWS does nothing."""
        target = self.last_success(stage.name)
        if target is not None:
            self.roll_back(stage, target, Trigger("AutomatedRollback", f"FailedPipelineExecutionId: {execution.id}"))

    def last_success(self, stage: str) -> Execution | None:
        for execution in reversed(self.executions.values()):
            if self.can_roll_back_to(execution, stage):
                return execution
        return None

    def can_roll_back_to(self, execution: Execution, stage: str) -> bool:
        """Whether a stage can run again with what this execution brought there."""
        is_current = execution.definition.version == self.definition.version
        return is_current and execution.kind == STANDARD and execution.succeeded_in(stage)

    def _cancel_all(self) -> None:
        """Nobody who waits enters any more; who is in a stage keeps it until its builds have ended."""
        self.locks = StageLocks(self.definition.stage_names, self.definition.mode)
        for name in self.closed:
            self.locks.disable(name)
        for execution in list(self.executions.values()):
            if execution.is_under_way:
                self._halt(execution, Status.CANCELLED, abandon=False)
            for run in execution.running():
                if self.definition.stage(run.stage.name):
                    self.locks.occupy(execution.id, run.stage.name)

    def _halt(self, execution: Execution, status: Status, *, abandon: bool) -> None:
        self._set(execution, status)
        runs = list(execution.running())
        for run in runs:
            if abandon or status is Status.CANCELLED:
                self._stages.abandon(execution, run, approvals_only=not abandon)
            self._stages.advance(execution, run)
        if not runs:
            moves = self.locks.leave(execution.id)
            if status is Status.STOPPING:
                self._set(execution, Status.STOPPED)
            self._apply(moves)

    def _set(self, execution: Execution, status: Status, *, summary: str = "", resumed: bool = False) -> None:
        execution.status, execution.summary = status, summary
        execution.updated = self.turns.clock.now()
        self._events.execution(execution, resumed=resumed)


def _reason(run: StageRun) -> str:
    """Why the stage failed, when a condition says so; a failed action tells for itself."""
    failed = [one.summary for one in run.conditions.values() if one.status is Status.FAILED]
    return failed[0] if failed else ""
