"""What happens to one change on its way through a pipeline: the execution, its stages, actions and rules."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from retide.local.clock import Timer
from retide.local.codebuild.seam import Clone
from retide.local.codepipeline.definition import Action, Definition, Rule, Stage
from retide.local.codepipeline.variables import PIPELINE, SYSTEM, Namespaces

STANDARD, ROLLBACK = "STANDARD", "ROLLBACK"


class Status(StrEnum):
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SUPERSEDED = "Superseded"
    SKIPPED = "Skipped"
    ABANDONED = "Abandoned"


UNDER_WAY: Final = frozenset({Status.IN_PROGRESS, Status.STOPPING})


@dataclass(frozen=True, slots=True)
class Trigger:
    """What started an execution: CreatePipeline, StartPipelineExecution, WebhookV2, ManualRollback…"""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Revision:
    """What a source action brought."""

    action: str
    commit: str
    summary: str
    url: str
    branch: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """An object in the pipeline's artefact bucket; `clone` when it stands for a repository to be cloned in full."""

    name: str
    bucket: str
    key: str
    clone: Clone | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """The commit that a source action is to take, and the branch that it was pushed to."""

    commit: str
    branch: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action or a rule ended; `code` and `message` say why it failed."""

    succeeded: bool
    summary: str = ""
    code: str = ""
    message: str = ""
    updated_by: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    revision: Revision | None = None


def failure(code: str, message: str) -> Outcome:
    return Outcome(False, code=code, message=message)


@dataclass(slots=True)
class ActionRun:
    """One attempt at an action. `token` is an approval's, while it waits."""

    action: Action
    stage: str
    started: datetime
    updated: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: Status = Status.IN_PROGRESS
    configuration: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Artifact, ...] = ()
    external_id: str = ""
    external_url: str = ""
    token: str | None = None
    timer: Timer | None = None
    outcome: Outcome | None = None


@dataclass(slots=True)
class RuleRun:
    """One evaluation of a rule."""

    rule: Rule
    stage: str
    started: datetime
    updated: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: Status = Status.IN_PROGRESS
    configuration: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None


@dataclass(slots=True)
class ConditionRun:
    """One evaluation of a condition."""

    kind: str
    rules: list[RuleRun]
    updated: datetime
    status: Status = Status.IN_PROGRESS
    summary: str = ""


@dataclass(slots=True)
class StageRun:
    """An execution in one stage; a retry goes on in the same run."""

    stage: Stage
    status: Status = Status.IN_PROGRESS
    runs: dict[str, ActionRun] = field(default_factory=dict)
    conditions: dict[str, ConditionRun] = field(default_factory=dict)
    automatic_retries: int = 0
    manual_retries: int = 0
    last_retry: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an action or a condition has not ended."""
        under_way: list[ActionRun | ConditionRun] = [*self.runs.values(), *self.conditions.values()]
        return any(one.status is Status.IN_PROGRESS for one in under_way)

    def with_status(self, status: Status) -> list[ActionRun]:
        return [run for run in self.runs.values() if run.status is status]

    def next_actions(self) -> list[Action]:
        """The actions of the lowest run order that has not succeeded yet; none when all have."""
        open_ = [action for action in self.stage.actions if not self._has_succeeded(action)]
        first = min((action.run_order for action in open_), default=0)
        return [action for action in open_ if action.run_order == first]

    def forget(self, *, all_actions: bool) -> None:
        """Let a retry begin: the failed attempts, or all, count no more."""
        self.status = Status.IN_PROGRESS
        self.conditions.clear()
        self.runs = {} if all_actions else {name: run for name, run in self.runs.items() if self._kept(run)}

    def _has_succeeded(self, action: Action) -> bool:
        run = self.runs.get(action.name)
        return run is not None and self._kept(run)

    @staticmethod
    def _kept(run: ActionRun) -> bool:
        return run.status is Status.SUCCEEDED


@dataclass(slots=True)
class Execution:
    """One execution. Only its pipeline's engine changes it, under the engine's lock."""

    definition: Definition
    trigger: Trigger
    started: datetime
    updated: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    kind: str = STANDARD
    target: str | None = None
    status: Status = Status.IN_PROGRESS
    summary: str = ""
    stop_reason: str | None = None
    overrides: Mapping[str, Override] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    stages: dict[str, StageRun] = field(default_factory=dict)
    history: list[ActionRun] = field(default_factory=list)
    rules: list[RuleRun] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    variables: dict[str, Mapping[str, str]] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    attempt: int = 1

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    def values(self) -> Namespaces:
        """The variables that an action of this execution can refer to."""
        return {**self.variables, SYSTEM: {"PipelineExecutionId": self.id}, PIPELINE: self.parameters}

    def running(self) -> Iterator[StageRun]:
        """The stages with an action or a condition that has not ended."""
        return (stage for stage in self.stages.values() if stage.is_busy)

    def succeeded_in(self, stage: str) -> bool:
        run = self.stages.get(stage)
        return run is not None and run.status is Status.SUCCEEDED


@dataclass(frozen=True, slots=True)
class Closing:
    """Who closed the way into a stage, when and why."""

    reason: str
    by: str
    at: datetime


Effect = Callable[[], object]
"""Work that reaches outside of the engine, done after the engine's lock was released."""
