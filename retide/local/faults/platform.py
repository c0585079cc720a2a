"""What AWS itself calls on somebody's behalf: a rule's target, a queue for a function. It is written down as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ministack.core import arn as arns
from ministack.services import eventbridge, lambda_svc

from retide.local.calls import Call, CallLog
from retide.local.interfaces import Json

EVENTS: Final = "events.amazonaws.com"
CALLED: Final = {
    "sqs": ("SendMessage", "sqs:SendMessage"),
    "lambda": ("Invoke", "lambda:InvokeFunction"),
    "states": ("StartExecution", "states:StartExecution"),
    "sns": ("Publish", "sns:Publish"),
}


def install(log: CallLog) -> None:
    eventbridge._invoke_target = _telling(eventbridge._invoke_target, log)
    lambda_svc._run_sqs_batch = _with_the_role(lambda_svc._run_sqs_batch, log)


def _telling(invoke: Callable[..., None], log: CallLog) -> Callable[..., None]:
    """A rule calls as the service, or in the role that its target names."""

    def invoke_target(target: Json, event: Json, rule: Json, view: Any = None) -> None:
        invoke(target, event, rule, view)
        service = arns.parse_arn(target["Arn"]).service
        operation, action = CALLED.get(service, ("", f"{service}:*"))
        role = target.get("RoleArn") or EVENTS
        log.record(Call(rule["Arn"], role, service, operation, (action,), target["Arn"]), 200)

    return invoke_target


def _with_the_role(run: Callable[..., None], log: CallLog) -> Callable[..., None]:
    """The event source mapping receives and deletes in the function's own role."""

    def run_batch(mapping: Json, function: Json, *batch: Any) -> None:
        config, queue = function.get("config") or function, mapping["EventSourceArn"]
        log.record(_on_queue(config, queue, "ReceiveMessage"), 200)
        run(mapping, function, *batch)
        if str(mapping.get("LastProcessingResult", "")).startswith("OK"):
            log.record(_on_queue(config, queue, "DeleteMessage"), 200)

    return run_batch


def _on_queue(config: Json, queue: str, operation: str) -> Call:
    return Call(config["FunctionArn"], config.get("Role", ""), "sqs", operation, (f"sqs:{operation}",), queue)
