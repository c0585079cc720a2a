"""The delivery pipeline as CodePipeline tells of it: its definition, its executions, their actions, its approvals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from retide.aws.clients import code
from retide.cli.failures import CliError
from retide.local.codepipeline.filters import Patterns, PushFilter, Trigger

NAME: Final = "retide-delivery"
OPEN: Final = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, slots=True)
class Definition:
    """What the deployed pipeline follows: where its source lies, what starts it, and its stages in order.

    `watches` says how long the alarms of a stage are watched once its actions have passed.
    """

    repository: str
    branch: str
    trigger: Trigger
    stages: tuple[str, ...]
    watches: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Execution:
    """One pass of a commit; `commit` is empty until Source has ended.

    A `rollback` brings a stage back to an earlier commit, which is its own then: it says nothing about that commit.
    """

    id: str
    status: str
    started: datetime
    updated: datetime
    commit: str = ""
    summary: str = ""
    stopped: str = ""
    rollback: bool = False

    @property
    def running(self) -> bool:
        return self.status in OPEN


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an execution; `external` is the build's id where CodeBuild ran it."""

    id: str
    stage: str
    name: str
    category: str
    provider: str
    status: str
    started: datetime
    updated: datetime
    external: str = ""
    summary: str = ""
    error: str = ""

    @property
    def running(self) -> bool:
        return self.status == "InProgress"

    @property
    def build(self) -> str:
        """The id of the build that the action ran; empty for none."""
        return self.external if self.provider == "CodeBuild" else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an execution stands now: it waits to enter the stage, or is in it.

    `watched`: the actions of the one that is in it have passed, and alarms are watched for it, `until` when.
    """

    stage: str
    waits: bool = False
    watched: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that a person is asked for."""

    stage: str
    action: str
    token: str


class Pipeline:
    """The pipeline of one account; `client` is boto3's for codepipeline."""

    def __init__(self, client: Any, where: str, name: str = NAME) -> None:
        self._client, self._where, self._name = client, where, name

    def definition(self) -> Definition:
        """Raises CliError where the delivery stack is not deployed."""
        with self._there():
            pipeline = self._client.get_pipeline(name=self._name)["pipeline"]
        source = pipeline["stages"][0]["actions"][0]
        settings = source["configuration"]
        return Definition(
            repository=settings.get("FullRepositoryId") or settings.get("RepositoryName", ""),
            branch=settings.get("BranchName", ""),
            trigger=_trigger(source["name"], pipeline.get("triggers", [])),
            stages=tuple(stage["name"] for stage in pipeline["stages"]),
            watches={stage["name"]: _watch(stage) for stage in pipeline["stages"] if "onSuccess" in stage},
        )

    @contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if code(error) != "PipelineNotFoundException":
                raise
            raise CliError(
                f"there is no pipeline {self._name} in {self._where}: "
                "`retide remote` makes one in a local cloud, `make deploy-delivery` on AWS"
            ) from None

    def executions(self, limit: int = 200) -> tuple[Execution, ...]:
        """Newest first; raises CliError where the delivery stack is not deployed."""
        pages = self._client.get_paginator("list_pipeline_executions").paginate(
            pipelineName=self._name, PaginationConfig={"MaxItems": limit}
        )
        with self._there():
            return tuple(_execution(raw) for page in pages for raw in page["pipelineExecutionSummaries"])

    def actions(self, execution: str) -> tuple[Action, ...]:
        """In the order of their start."""
        pages = self._client.get_paginator("list_action_executions").paginate(
            pipelineName=self._name, filter={"pipelineExecutionId": execution}
        )
        found = [_action(raw) for page in pages for raw in page["actionExecutionDetails"]]
        return tuple(sorted(found, key=lambda action: action.started))

    def places(self, watches: Mapping[str, timedelta]) -> Mapping[str, Place]:
        """Where every execution that is under way stands, by its id."""
        stages = self._client.get_pipeline_state(name=self._name)["stageStates"]
        return dict(place for stage in stages for place in _places(stage, watches.get(stage["stageName"])))

    def approval(self, execution: str) -> Approval | None:
        """What the execution waits for a person to decide; None where it waits for nobody."""
        for stage in self._client.get_pipeline_state(name=self._name)["stageStates"]:
            if stage.get("latestExecution", {}).get("pipelineExecutionId") != execution:
                continue
            for action in stage["actionStates"]:
                latest = action.get("latestExecution", {})
                if latest.get("token") and latest.get("status") == "InProgress":
                    return Approval(stage["stageName"], action["actionName"], latest["token"])
        return None

    def decide(self, approval: Approval, *, approved: bool, summary: str) -> None:
        self._client.put_approval_result(
            pipelineName=self._name,
            stageName=approval.stage,
            actionName=approval.action,
            result={"summary": summary, "status": "Approved" if approved else "Rejected"},
            token=approval.token,
        )


def _places(stage: Mapping[str, Any], watch: timedelta | None) -> Iterator[tuple[str, Place]]:
    name, latest = stage["stageName"], stage.get("latestExecution", {})
    under_way = latest.get("status") in OPEN
    begun = _watched_since(stage) if under_way else None
    until = begun + watch if begun and watch else None
    for inbound in stage.get("inboundExecutions", []):
        yield inbound["pipelineExecutionId"], Place(name, waits=True, watched=begun is not None, until=until)
    if under_way:
        yield latest["pipelineExecutionId"], Place(name, watched=begun is not None, until=until)


def _watched_since(stage: Mapping[str, Any]) -> datetime | None:
    """Since when the stage's conditions are under way; None where they are not."""
    for condition in stage.get("onSuccessConditionState", {}).get("conditionStates", []):
        latest = condition.get("latestExecution", {})
        if latest.get("status") == "InProgress":
            since: datetime = latest["lastStatusChange"]
            return since
    return None


def _watch(stage: Mapping[str, Any]) -> timedelta:
    """The longest time that a rule of the stage's conditions watches."""
    rules = [rule for condition in stage["onSuccess"]["conditions"] for rule in condition.get("rules", [])]
    return timedelta(minutes=max((int(rule["configuration"].get("WaitTime", 0)) for rule in rules), default=0))


def _trigger(source: str, triggers: list[Mapping[str, Any]]) -> Trigger:
    pushes = [
        push
        for trigger in triggers
        if trigger.get("gitConfiguration", {}).get("sourceActionName") == source
        for push in trigger["gitConfiguration"].get("push", [])
    ]
    return Trigger(source, tuple(_filter(push) for push in pushes))


def _filter(push: Mapping[str, Any]) -> PushFilter:
    return PushFilter(*(_patterns(push.get(name)) for name in ("branches", "filePaths", "tags")))


def _patterns(raw: Mapping[str, Any] | None) -> Patterns | None:
    if raw is None:
        return None
    return Patterns(tuple(raw.get("includes", ())), tuple(raw.get("excludes", ())))


def _execution(raw: Mapping[str, Any]) -> Execution:
    return Execution(
        id=raw["pipelineExecutionId"],
        status=raw["status"],
        started=raw["startTime"],
        updated=raw["lastUpdateTime"],
        commit=next((source.get("revisionId", "") for source in raw.get("sourceRevisions", [])), ""),
        summary=raw.get("statusSummary", ""),
        stopped=raw.get("stopTrigger", {}).get("reason", ""),
        rollback=raw.get("executionType") == "ROLLBACK",
    )


def _action(raw: Mapping[str, Any]) -> Action:
    kind = raw.get("input", {}).get("actionTypeId", {})
    result = raw.get("output", {}).get("executionResult", {})
    return Action(
        id=raw["actionExecutionId"],
        stage=raw["stageName"],
        name=raw["actionName"],
        category=kind.get("category", ""),
        provider=kind.get("provider", ""),
        status=raw["status"],
        started=raw["startTime"],
        updated=raw["lastUpdateTime"],
        external=result.get("externalExecutionId", ""),
        summary=result.get("externalExecutionSummary", ""),
        error=result.get("errorDetails", {}).get("message", ""),
    )


def last(actions: Iterator[Action] | tuple[Action, ...]) -> Action | None:
    """The action that began last; None where none has begun."""
    return max(actions, key=lambda action: action.started, default=None)
