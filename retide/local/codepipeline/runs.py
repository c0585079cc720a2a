"""The operations on a pipeline's executions: start, stop, retry, roll back, approve, and their history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from retide.local.codepipeline import approvals, descriptions
from retide.local.codepipeline.definition import Definition
from retide.local.codepipeline.errors import conflict
from retide.local.codepipeline.executions import Closing, Execution, Override, Trigger
from retide.local.codepipeline.pages import page
from retide.local.codepipeline.pipelines import Pipeline, Pipelines, defaults
from retide.local.errors import invalid
from retide.local.interfaces import Json


class Runs:
    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    def start(self, request: Json) -> Json:
        """StartPipelineExecution; with the same clientRequestToken it is the same execution."""
        one, token = self._pipelines.find(request["name"]), request.get("clientRequestToken")
        with one.engine.turns:
            if token in one.tokens:
                return {"pipelineExecutionId": one.tokens[token]}
            execution = one.engine.start(
                Trigger("StartPipelineExecution", self._pipelines.user),
                overrides=_overrides(one.definition, request.get("sourceRevisions", ())),
                parameters=_parameters(one.definition, request.get("variables", ())),
            )
            if token is not None:
                one.tokens[token] = execution.id
            return {"pipelineExecutionId": execution.id}

    def stop(self, request: Json) -> Json:
        """StopPipelineExecution."""
        one, execution = self._find(request)
        one.engine.stop(execution, abandon=request.get("abandon", False), reason=request.get("reason", ""))
        return {"pipelineExecutionId": execution.id}

    def retry(self, request: Json) -> Json:
        """RetryStageExecution."""
        one, execution = self._find(request)
        stage = one.engine.stage(request["stageName"])
        one.engine.retry(execution, stage, all_actions=request["retryMode"] == "ALL_ACTIONS")
        return {"pipelineExecutionId": execution.id}

    def roll_back(self, request: Json) -> Json:
        """RollbackStage."""
        one = self._pipelines.find(request["pipelineName"])
        stage, target = one.engine.stage(request["stageName"]), one.engine.find(request["targetPipelineExecutionId"])
        if target.definition.version != one.definition.version:
            message = f"The pipeline was updated after the execution {target.id} began"
            raise conflict("PipelineExecutionOutdatedException", message)
        if stage is one.definition.stages[0] or not one.engine.can_roll_back_to(target, stage.name):
            message = f"The execution {target.id} is no STANDARD one that has succeeded in the stage {stage.name}"
            raise conflict("UnableToRollbackStageException", message)
        started = one.engine.roll_back(stage, target, Trigger("ManualRollback", self._pipelines.user))
        return {"pipelineExecutionId": started.id}

    def approve(self, request: Json) -> Json:
        """PutApprovalResult."""
        return approvals.answer(self._pipelines.find(request["pipelineName"]).engine, request, self._pipelines.user)

    def close(self, request: Json) -> Json:
        """DisableStageTransition."""
        engine = self._pipelines.find(request["pipelineName"]).engine
        closing = Closing(request["reason"], self._pipelines.user, engine.turns.clock.now())
        engine.close(engine.stage(request["stageName"]), closing)
        return {}

    def open(self, request: Json) -> Json:
        """EnableStageTransition."""
        engine = self._pipelines.find(request["pipelineName"]).engine
        engine.open(engine.stage(request["stageName"]))
        return {}

    def get(self, request: Json) -> Json:
        """GetPipelineExecution."""
        one, execution = self._find(request)
        with one.engine.turns:
            return {"pipelineExecution": descriptions.execution(execution)}

    def list_executions(self, request: Json) -> Json:
        """ListPipelineExecutions, newest first."""
        one = self._pipelines.find(request["pipelineName"])
        stage = request.get("filter", {}).get("succeededInStage", {}).get("stageName")
        with one.engine.turns:
            rows = [(run.id, descriptions.summary(run)) for run in _newest(one) if _succeeded(one, run, stage)]
        return page("pipelineExecutionSummaries", rows, request)

    def list_actions(self, request: Json) -> Json:
        """ListActionExecutions, newest first."""
        one, chosen = self._chosen(request)
        with one.engine.turns:
            rows = [(action.id, descriptions.action(run, action)) for run in chosen for action in reversed(run.history)]
        return page("actionExecutionDetails", rows, request)

    def list_rules(self, request: Json) -> Json:
        """ListRuleExecutions, newest first."""
        one, chosen = self._chosen(request)
        with one.engine.turns:
            rows = [(rule.id, descriptions.rule(run, rule)) for run in chosen for rule in reversed(run.rules)]
        return page("ruleExecutionDetails", rows, request)

    def _find(self, request: Json) -> tuple[Pipeline, Execution]:
        one = self._pipelines.find(request["pipelineName"])
        return one, one.engine.find(request["pipelineExecutionId"])

    def _chosen(self, request: Json) -> tuple[Pipeline, list[Execution]]:
        """The executions that a list of actions or rules is about."""
        one = self._pipelines.find(request["pipelineName"])
        chosen_id = request.get("filter", {}).get("pipelineExecutionId")
        return one, [one.engine.find(chosen_id)] if chosen_id else list(_newest(one))


def _newest(one: Pipeline) -> Iterator[Execution]:
    return reversed(list(one.engine.executions.values()))


def _succeeded(one: Pipeline, run: Execution, stage: str | None) -> bool:
    return stage is None or one.engine.can_roll_back_to(run, stage)


def _overrides(definition: Definition, revisions: list[Json]) -> Mapping[str, Override]:
    known = {action.name for action in definition.sources}
    unknown = [one["actionName"] for one in revisions if one["actionName"] not in known]
    if unknown:
        raise invalid(f"The pipeline {definition.name} has no source action {unknown[0]}")
    return {one["actionName"]: Override(one["revisionValue"], None) for one in revisions}


def _parameters(definition: Definition, given: list[Json]) -> Mapping[str, str]:
    values = {**defaults(definition), **{one["name"]: one["value"] for one in given}}
    unknown, missing = set(values) - set(definition.defaults), set(definition.defaults) - set(values)
    if unknown:
        raise invalid(f"The pipeline {definition.name} has no variable {min(unknown)}")
    if missing:
        raise invalid(f"The variable {min(missing)} of the pipeline {definition.name} has no default: give a value")
    return values
