"""The approval action: waits for a person, and takes the answer for the token that the pipeline's state shows."""

from __future__ import annotations

import json
from typing import Any

from retide.local.codepipeline.definition import APPROVAL
from retide.local.codepipeline.engine import Engine
from retide.local.codepipeline.errors import conflict
from retide.local.codepipeline.executions import ActionRun, Execution, Outcome, StageRun, Status, failure
from retide.local.codepipeline.orders import Order, Report, Started
from retide.local.interfaces import Json


class ApprovalWorker:
    """Manual: nothing is done but to tell those who listen."""

    def __init__(self, sns: Any, region: str) -> None:
        self._sns = sns
        self._region = region

    def begin(self, order: Order, _started: Started, _report: Report) -> None:
        topic = order.configuration.get("NotificationArn")
        if topic:
            subject = f"APPROVAL NEEDED: AWS CodePipeline {order.pipeline} for action {order.action.name}"
            self._sns.publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(self._notice(order)))

    def _notice(self, order: Order) -> Json:
        console = f"https://console.aws.amazon.com/codesuite/codepipeline/pipelines/{order.pipeline}/view"
        address = f"{console}?region={self._region}"
        approval = {
            "pipelineName": order.pipeline,
            "stageName": order.stage,
            "actionName": order.action.name,
            "token": order.token,
            "approvalReviewLink": f"{address}#/{order.stage}/{order.action.name}/approve/{order.token}",
            "customData": order.configuration.get("CustomData"),
            "externalEntityLink": order.configuration.get("ExternalEntityLink"),
        }
        return {"region": self._region, "consoleLink": address, "approval": approval}


def answer(engine: Engine, request: Json, user: str) -> Json:
    """PutApprovalResult."""
    stage = engine.stage(request["stageName"])
    action = stage.action(request["actionName"])
    if action is None or action.provider != APPROVAL:
        message = f"The stage {stage.name} has no approval with the name {request['actionName']}"
        raise conflict("ActionNotFoundException", message)
    execution, run, one = _find(engine, stage.name, action.name, request["token"])
    if not engine.report(execution, run, one, _outcome(request["result"], user)):
        raise conflict("ApprovalAlreadyCompletedException", f"The approval {action.name} is {one.status} already")
    return {"approvedAt": one.updated}


def _find(engine: Engine, stage: str, action: str, token: str) -> tuple[Execution, StageRun, ActionRun]:
    with engine.turns:
        for execution in engine.executions.values():
            for one in execution.history:
                if (one.stage, one.action.name, one.token) == (stage, action, token):
                    return execution, execution.stages[stage], one
    raise conflict("InvalidApprovalTokenException", f"The token {token} is not one of the approval {action}")


def _outcome(result: Json, user: str) -> Outcome:
    summary = result["summary"]
    if result["status"] == "Approved":
        return Outcome(True, summary=summary, updated_by=user)
    rejected = failure("JobFailed", f"The approval was rejected by {user}: {summary or 'no reason was given'}")
    return Outcome(False, summary, rejected.code, rejected.message, user)


def is_waiting(one: ActionRun) -> bool:
    """Whether a person is to answer this."""
    return one.token is not None and one.status is Status.IN_PROGRESS
