"""Checks that the parts of a pipeline fit together, as CreatePipeline and UpdatePipeline do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retide.local.codepipeline import rules
from retide.local.codepipeline.actionchecks import check_action
from retide.local.codepipeline.definition import Action, action, trigger
from retide.local.codepipeline.errors import action_declaration, not_supported, stage_declaration, structure
from retide.local.codepipeline.globs import matches
from retide.local.codepipeline.support import RESULTS, RULES
from retide.local.codepipeline.variables import PIPELINE, SYSTEM, namespaces
from retide.local.interfaces import Json

STAGES, ACTIONS = 50, 50


def check_pipeline(declared: Json, region: str) -> None:
    """Raises ApiError with the first thing that does not fit."""
    if declared.get("pipelineType") != "V2":
        raise not_supported("A pipeline of type V1, which is what AWS takes without pipelineType")
    if "artifactStore" not in declared:
        raise structure("The pipeline has no artifactStore")
    stages = declared["stages"]
    if not 2 <= len(stages) <= STAGES:
        raise structure(f"Pipeline has {len(stages)} stage(s). There should be 2 to {STAGES} stages in a pipeline")
    _unique("Stage", (stage["name"] for stage in stages), "a pipeline")
    for at, stage in enumerate(stages):
        _check_stage(stage, is_first=at == 0, region=region)
    parsed = [[action(one) for one in stage["actions"]] for stage in stages]
    _check_artifacts(parsed)
    _check_namespaces(parsed, {one["name"] for one in declared.get("variables") or ()})
    _check_triggers(declared, parsed[0])


def _check_stage(stage: Json, *, is_first: bool, region: str) -> None:
    name = stage["name"]
    if not 1 <= len(stage["actions"]) <= ACTIONS:
        raise stage_declaration(f"The stage {name} must have 1 to {ACTIONS} actions")
    _unique("Action", (one["name"] for one in stage["actions"]), f"the stage {name}")
    for one in stage["actions"]:
        check_action(one, name, region)
        if (one["actionTypeId"]["category"] == "Source") != is_first:
            where = "The first stage may only contain" if is_first else "Only the first stage may contain"
            raise structure(f"{where} source actions: see the action {one['name']} of the stage {name}")
    if is_first and any(stage.get(kind) for kind in ("onFailure", "onSuccess", "beforeEntry")):
        _check_first(stage)
    _check_conditions(stage)


def _check_first(stage: Json) -> None:
    if stage.get("beforeEntry") or (stage.get("onFailure") or {}).get("result") == "ROLLBACK":
        raise stage_declaration(f"The source stage {stage['name']} can have no entry condition and no rollback")


def _check_conditions(stage: Json) -> None:
    for kind, allowed in RESULTS.items():
        for condition in (stage.get(kind) or {}).get("conditions") or ():
            result = condition.get("result")
            if result is not None and result not in allowed:
                raise stage_declaration(
                    f"{kind} of the stage {stage['name']} has the result {result}: it may be {' or '.join(allowed)}"
                )
            _check_rules(condition, kind, stage["name"])


def _check_rules(condition: Json, kind: str, stage: str) -> None:
    declared = condition.get("rules") or []
    if not declared:
        raise stage_declaration(f"{kind} of the stage {stage} has a condition without rules")
    _unique("Rule", (rule["name"] for rule in declared), f"{kind} of the stage {stage}")
    for rule in declared:
        provider, where = rule["ruleTypeId"]["provider"], f"the rule {rule['name']} of the stage {stage}"
        if provider not in RULES:
            raise not_supported(f"The rule provider {provider}")
        required, optional = RULES[provider]
        given = set(rule.get("configuration") or {})
        if required - given or given - required - optional:
            wrong = sorted((required - given) | (given - required - optional))
            raise stage_declaration(f"{where} lacks or does not know the setting {wrong[0]}")
        if condition.get("result") == "SKIP" and provider != "VariableCheck":
            raise stage_declaration(f"{where} is a {provider}: a stage can be skipped by VariableCheck only")
        rules.check(provider, rule.get("configuration") or {}, where)


def _check_artifacts(stages: Iterable[Iterable[Action]]) -> None:
    """Every input was produced by an earlier action; every output has a name of its own."""
    made: set[str] = set()
    for one in _in_order(stages):
        for name in one.inputs:
            if name not in made:
                raise structure(
                    f"The input artifact {name} of the action {one.name} is the output of no earlier action"
                )
        for name in one.outputs:
            if name in made:
                raise structure(f"The output artifact {name} of the action {one.name} is declared more than once")
        made.update(one.outputs)


def _check_namespaces(stages: Iterable[Iterable[Action]], variables: set[str]) -> None:
    """A reference names a namespace of an earlier action, a variable of the pipeline, or the system's own."""
    known = {SYSTEM, *([PIPELINE] if variables else [])}
    for one in _in_order(stages):
        for text in one.configuration.values():
            unknown = sorted(namespaces(text) - known)
            if unknown:
                raise action_declaration(
                    f"The action {one.name} refers to the namespace {unknown[0]}, which no earlier action has"
                )
        if one.namespace in {*known, PIPELINE}:
            raise action_declaration(f"The namespace {one.namespace} of the action {one.name} is taken")
        known |= {one.namespace} if one.namespace else set()


def _check_triggers(declared: Json, sources: list[Action]) -> None:
    triggers = declared.get("triggers") or ()
    _unique("Trigger", (one["gitConfiguration"]["sourceActionName"] for one in triggers), "a pipeline")
    for one in triggers:
        git = one["gitConfiguration"]
        if git["sourceActionName"] not in {source.name for source in sources}:
            raise structure(f"A trigger names the source action {git['sourceActionName']}, which does not exist")
        for push in git.get("push") or ():
            _check_filter(push)
        for pattern in _patterns(one):
            _check_pattern(pattern)


def _check_filter(push: Json) -> None:
    if not any(push.get(kind) for kind in ("branches", "filePaths", "tags")):
        raise structure("A push filter must name branches, file paths or tags")
    if push.get("tags") and (push.get("branches") or push.get("filePaths")):
        raise structure("A push filter for tags cannot also filter on branches or file paths: give two filters")


def _patterns(declared: Json) -> Iterator[str]:
    for one in trigger(declared).filters:
        for patterns in (one.branches, one.files, one.tags):
            yield from (*patterns.includes, *patterns.excludes) if patterns else ()


def _check_pattern(pattern: str) -> None:
    try:
        matches(pattern, "")
    except ValueError as problem:
        raise structure(str(problem)) from None


def _in_order(stages: Iterable[Iterable[Action]]) -> Iterator[Action]:
    for actions in stages:
        yield from sorted(actions, key=lambda one: one.run_order)


def _unique(what: str, names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise structure(f"{what} name {name} is used twice: it must be unique within {where}")
        seen.add(name)
