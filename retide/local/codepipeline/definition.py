"""A pipeline's declaration as the engine reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from retide.local.codepipeline.filters import Patterns, PushFilter, Trigger
from retide.local.codepipeline.locks import Mode
from retide.local.interfaces import Json

SOURCE: Final = "CodeStarSourceConnection"
BUILD: Final = "CodeBuild"
APPROVAL: Final = "Manual"
CLONE: Final = "CODEBUILD_CLONE_REF"


@dataclass(frozen=True, slots=True)
class Action:
    """`minutes` is the action's own time limit; `declared` is its declaration as it was given."""

    name: str
    category: str
    provider: str
    run_order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    namespace: str | None
    minutes: int | None
    declared: Json


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    provider: str
    configuration: Mapping[str, str]
    declared: Json


@dataclass(frozen=True, slots=True)
class Condition:
    """Met when every rule succeeds; `result` is what happens when it is not."""

    result: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """`on_failure` is what follows a failed stage: nothing (None), ROLLBACK or RETRY."""

    name: str
    actions: tuple[Action, ...]
    before_entry: Condition | None
    on_success: Condition | None
    on_failure: str | None
    retry_all: bool

    def action(self, name: str) -> Action | None:
        return next((action for action in self.actions if action.name == name), None)


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a pipeline."""

    name: str
    version: int
    mode: Mode
    bucket: str
    stages: tuple[Stage, ...]
    triggers: tuple[Trigger, ...]
    defaults: Mapping[str, str | None]
    declared: Json

    @property
    def stage_names(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self.stages)

    @property
    def sources(self) -> tuple[Action, ...]:
        return self.stages[0].actions

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    def following(self, stage: str) -> str | None:
        """The stage after this one."""
        names = self.stage_names
        at = names.index(stage) + 1
        return names[at] if at < len(names) else None


def parsed(declared: Json, version: int) -> Definition:
    """A declaration that has been checked."""
    return Definition(
        name=declared["name"],
        version=version,
        mode=Mode(declared.get("executionMode", "SUPERSEDED")),
        bucket=declared["artifactStore"]["location"],
        stages=tuple(map(_stage, declared["stages"])),
        triggers=tuple(trigger(one) for one in declared.get("triggers") or ()),
        defaults={one["name"]: one.get("defaultValue") for one in declared.get("variables") or ()},
        declared={**declared, "version": version},
    )


def trigger(declared: Json) -> Trigger:
    git = declared["gitConfiguration"]
    return Trigger(git["sourceActionName"], tuple(map(_filter, git.get("push") or ())))


def action(declared: Json) -> Action:
    kind = declared["actionTypeId"]
    return Action(
        name=declared["name"],
        category=kind["category"],
        provider=kind["provider"],
        run_order=declared.get("runOrder", 1),
        configuration=declared.get("configuration") or {},
        inputs=_names(declared.get("inputArtifacts")),
        outputs=_names(declared.get("outputArtifacts")),
        namespace=declared.get("namespace"),
        minutes=declared.get("timeoutInMinutes"),
        declared=declared,
    )


def _stage(declared: Json) -> Stage:
    failure = declared.get("onFailure") or {}
    retry = failure.get("retryConfiguration") or {}
    return Stage(
        name=declared["name"],
        actions=tuple(map(action, declared["actions"])),
        before_entry=_condition(declared.get("beforeEntry")),
        on_success=_condition(declared.get("onSuccess")),
        on_failure=None if failure.get("result") == "FAIL" else failure.get("result"),
        retry_all=retry.get("retryMode") == "ALL_ACTIONS",
    )


def _condition(declared: Json | None) -> Condition | None:
    if not declared:
        return None
    one = declared["conditions"][0]
    rules = tuple(
        Rule(rule["name"], rule["ruleTypeId"]["provider"], rule.get("configuration") or {}, rule)
        for rule in one.get("rules") or ()
    )
    return Condition(one.get("result", "FAIL"), rules)


def _filter(declared: Json) -> PushFilter:
    return PushFilter(*(_patterns(declared.get(name)) for name in ("branches", "filePaths", "tags")))


def _patterns(declared: Json | None) -> Patterns | None:
    if not declared:
        return None
    return Patterns(tuple(declared.get("includes") or ()), tuple(declared.get("excludes") or ()))


def _names(artifacts: list[Json] | None) -> tuple[str, ...]:
    return tuple(artifact["name"] for artifact in artifacts or ())
