"""A pipeline's state as GetPipelineState answers: who is in which stage, who waits, and what came of the last one."""

from __future__ import annotations

from retide.local.codepipeline.approvals import is_waiting
from retide.local.codepipeline.definition import Action, Stage
from retide.local.codepipeline.descriptions import error
from retide.local.codepipeline.engine import Engine
from retide.local.codepipeline.executions import ActionRun, ConditionRun, Execution, RuleRun, StageRun
from retide.local.interfaces import Json


def stages(engine: Engine) -> list[Json]:
    """Called in a turn of the pipeline."""
    return [_stage(engine, stage) for stage in engine.definition.stages]


def _stage(engine: Engine, stage: Stage) -> Json:
    execution = engine.executions.get(engine.latest.get(stage.name, ""))
    run = execution.stages.get(stage.name) if execution else None
    waiting = [_inbound(engine.executions[name]) for name in engine.locks.waiting(stage.name)]
    return {
        "stageName": stage.name,
        "inboundExecution": waiting[0] if waiting else None,
        "inboundExecutions": waiting,
        "inboundTransitionState": _transition(engine, stage),
        "actionStates": [_action(action, run) for action in stage.actions],
        "latestExecution": _latest(execution, run) if execution and run else None,
        **{f"{kind}ConditionState": _condition(one) for kind, one in (run.conditions if run else {}).items()},
        "retryStageMetadata": _retries(run) if run and run.last_retry else None,
    }


def _transition(engine: Engine, stage: Stage) -> Json:
    why = engine.closed.get(stage.name)
    if why is None:
        return {"enabled": True}
    return {"enabled": False, "disabledReason": why.reason, "lastChangedBy": why.by, "lastChangedAt": why.at}


def _inbound(execution: Execution) -> Json:
    return {"pipelineExecutionId": execution.id, "status": execution.status, "type": execution.kind}


def _latest(execution: Execution, run: StageRun) -> Json:
    return {"pipelineExecutionId": execution.id, "status": run.status, "type": execution.kind}


def _action(action: Action, run: StageRun | None) -> Json:
    one = run.runs.get(action.name) if run else None
    state: Json = {"actionName": action.name}
    if one is not None:
        state["latestExecution"] = _attempt(one)
        if one.outcome and one.outcome.revision:
            revision = one.outcome.revision
            change = {"revisionId": revision.commit, "revisionChangeId": revision.commit, "created": one.updated}
            state |= {"currentRevision": change, "revisionUrl": revision.url}
    return state


def _attempt(one: ActionRun) -> Json:
    outcome = one.outcome
    return {
        "actionExecutionId": one.id,
        "status": one.status,
        "summary": (outcome.summary or None) if outcome else None,
        "lastStatusChange": one.updated,
        "token": one.token if is_waiting(one) else None,
        "lastUpdatedBy": (outcome.updated_by or None) if outcome else None,
        "externalExecutionId": one.external_id or None,
        "externalExecutionUrl": one.external_url or None,
        "errorDetails": error(outcome),
    }


def _condition(one: ConditionRun) -> Json:
    told = {"status": one.status, "summary": one.summary or None}
    state = {"latestExecution": told | {"lastStatusChange": one.updated}, "ruleStates": list(map(_rule, one.rules))}
    return {"latestExecution": told, "conditionStates": [state]}


def _rule(one: RuleRun) -> Json:
    latest = {
        "ruleExecutionId": one.id,
        "status": one.status,
        "summary": (one.outcome.summary or one.outcome.message or None) if one.outcome else None,
        "lastStatusChange": one.updated,
        "errorDetails": error(one.outcome),
    }
    return {"ruleName": one.rule.name, "latestExecution": latest}


def _retries(run: StageRun) -> Json:
    return {
        "autoStageRetryAttempt": run.automatic_retries or None,
        "manualStageRetryAttempt": run.manual_retries or None,
        "latestRetryTrigger": run.last_retry,
    }
