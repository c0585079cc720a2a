"""Executions, actions and rules in the words of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retide.local.codepipeline.executions import (
    ROLLBACK,
    ActionRun,
    Artifact,
    Execution,
    Outcome,
    Revision,
    RuleRun,
)
from retide.local.interfaces import Json


def execution(one: Execution) -> Json:
    """As GetPipelineExecution answers."""
    return _common(one) | {
        "pipelineName": one.definition.name,
        "pipelineVersion": one.definition.version,
        "artifactRevisions": [_artifact_revision(one, revision) for revision in one.revisions],
        "variables": [{"name": name, "resolvedValue": value} for name, value in one.parameters.items()],
    }


def summary(one: Execution) -> Json:
    """As ListPipelineExecutions answers."""
    return _common(one) | {
        "startTime": one.started,
        "lastUpdateTime": one.updated,
        "sourceRevisions": [_source_revision(revision) for revision in one.revisions],
        "stopTrigger": None if one.stop_reason is None else {"reason": one.stop_reason},
    }


def action(one: Execution, run: ActionRun) -> Json:
    """As ListActionExecutions answers."""
    declared, outcome = run.action.declared, run.outcome
    return {
        "pipelineExecutionId": one.id,
        "actionExecutionId": run.id,
        "pipelineVersion": one.definition.version,
        "stageName": run.stage,
        "actionName": run.action.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "updatedBy": outcome.updated_by or None if outcome else None,
        "status": run.status,
        "input": {
            "actionTypeId": declared["actionTypeId"],
            "configuration": dict(run.action.configuration),
            "resolvedConfiguration": dict(run.configuration),
            "roleArn": declared.get("roleArn"),
            "region": declared.get("region"),
            "inputArtifacts": _located(run.inputs),
            "namespace": run.action.namespace,
        },
        "output": {
            "outputArtifacts": _located(outcome.artifacts if outcome else ()),
            "executionResult": result(run),
            "outputVariables": dict(outcome.variables) if outcome else {},
        },
    }


def rule(one: Execution, run: RuleRun) -> Json:
    """As ListRuleExecutions answers."""
    return {
        "pipelineExecutionId": one.id,
        "ruleExecutionId": run.id,
        "pipelineVersion": one.definition.version,
        "stageName": run.stage,
        "ruleName": run.rule.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": {
            "ruleTypeId": run.rule.declared["ruleTypeId"],
            "configuration": dict(run.rule.configuration),
            "resolvedConfiguration": dict(run.configuration),
        },
        "output": {"executionResult": _given(_said(run.outcome))},
    }


def result(run: ActionRun) -> Json:
    """What became of an action outside, and why it failed."""
    told = {"externalExecutionId": run.external_id, "externalExecutionUrl": run.external_url}
    return _given(told | _said(run.outcome))


def error(outcome: Outcome | None) -> Json | None:
    if outcome is None or outcome.succeeded:
        return None
    return _given({"code": outcome.code, "message": outcome.message[:5000]})


def _said(outcome: Outcome | None) -> Json:
    return {"externalExecutionSummary": outcome.summary if outcome else "", "errorDetails": error(outcome)}


def _common(one: Execution) -> Json:
    return {
        "pipelineExecutionId": one.id,
        "status": one.status,
        "statusSummary": one.summary or None,
        "trigger": {"triggerType": one.trigger.kind, "triggerDetail": one.trigger.detail},
        "executionMode": one.definition.mode,
        "executionType": one.kind,
        "rollbackMetadata": {"rollbackTargetPipelineExecutionId": one.target} if one.kind == ROLLBACK else None,
    }


def _source_revision(one: Revision) -> Json:
    return {
        "actionName": one.action,
        "revisionId": one.commit,
        "revisionSummary": one.summary,
        "revisionUrl": one.url,
    }


def _artifact_revision(execution: Execution, one: Revision) -> Json:
    source = next(action for action in execution.definition.sources if action.name == one.action)
    return {
        "name": source.outputs[0],
        "revisionId": one.commit,
        "revisionSummary": one.summary,
        "revisionUrl": one.url,
    }


def _located(artifacts: tuple[Artifact, ...]) -> list[Json]:
    return [{"name": one.name, "s3location": {"bucket": one.bucket, "key": one.key}} for one in artifacts]


def _given(told: Mapping[str, Any]) -> Json:
    return {name: value for name, value in told.items() if value}
