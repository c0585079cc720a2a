"""Events: what S3 says about versions, who may deliver to a queue, and where an undeliverable event ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from ministack.core import arn as arns
from ministack.core import iam_evaluator, responses
from ministack.services import eventbridge, lambda_svc, s3, sqs, stepfunctions

from retide.local.interfaces import Json

_version: ContextVar[str | None] = ContextVar("retide_version", default=None)
SECONDS: Final = len("2026-11-21T00:00:00")


def install() -> None:
    s3._fire_s3_event = _remembering_the_version(s3._fire_s3_event)
    eventbridge._dispatch_event = _completing_s3_events(eventbridge._dispatch_event)
    eventbridge._invoke_target = _dead_lettering(eventbridge._invoke_target)
    eventbridge._dispatch_to_lambda = _invoke_with_retries
    lambda_svc._route_async_failure = _to_dead_letters(lambda_svc._route_async_failure)


def _remembering_the_version(fire: Callable[..., None]) -> Callable[..., None]:
    def fire_s3_event(*arguments: Any, version_id: str | None = None, **named: Any) -> None:
        token = _version.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **named)
        finally:
            _version.reset(token)

    return fire_s3_event


def _completing_s3_events(dispatch: Callable[..., None]) -> Callable[..., None]:
    """AWS gives the version on versioned buckets, no size of what was deleted, and whole seconds."""

    def dispatch_event(event: Json, view: Any = None) -> None:
        if event.get("Source") == "aws.s3" and view is None:
            event = {**event, "Time": f"{event['Time'][:SECONDS]}Z", "Detail": _complete(json.loads(event["Detail"]))}
        dispatch(event, view)

    return dispatch_event


def _complete(detail: Json) -> str:
    told = detail["object"]
    if "deletion-type" in detail:
        told.pop("size")
    version = _version.get()
    if version:
        sequencer = told.pop("sequencer")
        told.update({"version-id": version, "sequencer": sequencer})
    return json.dumps(detail)


def _dead_lettering(invoke: Callable[..., None]) -> Callable[..., None]:
    """AWS sends an event that cannot be delivered to the target's dead-letter queue, with the reasons beside it."""

    def invoke_target(target: Json, event: Json, rule: Json, view: Any = None) -> None:
        problem = _problem(target["Arn"], rule["Arn"])
        if problem is None:
            invoke(target, event, rule, view)
            return
        code, message = problem
        eventbridge.logger.warning("EventBridge: %s is not delivered to %s: %s", rule["Arn"], target["Arn"], message)
        dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        if dead_letters:
            body = (view or eventbridge._pattern_event_view(event)).event_with_detail()
            reasons = {"RULE_ARN": rule["Arn"], "TARGET_ARN": target["Arn"], "ERROR_CODE": code}
            send(dead_letters, json.dumps(body), {**reasons, "ERROR_MESSAGE": message})

    return invoke_target


def _problem(target: str, rule: str) -> tuple[str, str] | None:
    """Why EventBridge cannot deliver, as (code, message)."""
    service = arns.parse_arn(target).service
    if service == "sqs" and sqs._queue_by_arn(target) is None:
        return "QUEUE_NOT_FOUND", f"the queue {target} does not exist"
    if service == "sqs" and not _may_send(target, rule):
        return "NO_PERMISSIONS", f"the policy of {target} does not let events.amazonaws.com send for {rule}"
    if service == "lambda" and lambda_svc._get_func_record_for_ref(target)[0] is None:
        return "RESOURCE_NOT_FOUND", f"the function {target} does not exist"
    if service == "states" and stepfunctions._resolve_state_machine_arn(target) is None:
        return "RESOURCE_NOT_FOUND", f"the state machine {target} does not exist"
    return None


def _may_send(queue: str, rule: str) -> bool:
    policy = sqs._queue_by_arn(queue)["attributes"].get("Policy")
    if not policy:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sqs:SendMessage",
        resource_arn=queue,
        region=responses.get_region(),
        secure_transport=True,  # EventBridge itself speaks TLS to the queue, whatever this cloud is reached by
        service_context={"aws:sourcearn": rule, "aws:sourceaccount": responses.get_account_id()},
    )
    decision = iam_evaluator.evaluate_resource_policy(policy, context, service="events.amazonaws.com").decision
    return bool(decision == "Allow")


def send(queue: str, body: str, attributes: dict[str, str]) -> None:
    """Put one message onto a queue given by its ARN; a dead-letter queue that does not exist swallows, as on AWS."""
    target = sqs._queue_by_arn(queue)
    if target is None:
        return
    typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    sqs._act_send_message({"MessageBody": body, "MessageAttributes": typed}, target["url"])


def _invoke_with_retries(arn: str, payload: str) -> None:
    """EventBridge invokes a function asynchronously: with Lambda's own retries and dead letters."""
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), json.loads(payload))


def _to_dead_letters(route: Callable[..., None]) -> Callable[..., None]:
    """A dead-letter queue gets the event as it was; only an on-failure destination gets an envelope."""

    def route_async_failure(target: str, function: str, event: Json, result: Json) -> None:
        config = lambda_svc._functions.get(function, {}).get("config", {})
        if (config.get("DeadLetterConfig") or {}).get("TargetArn") != target or ":sqs:" not in target:
            route(target, function, event, result)
            return
        message = str((result.get("body") or {}).get("errorMessage", ""))[:1024]
        identity = {"RequestID": responses.new_uuid(), "ErrorCode": "200"}
        send(target, json.dumps(event), {**identity, "ErrorMessage": message or "Unknown"})

    return route_async_failure
