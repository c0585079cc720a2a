"""What a request to the cloud is: the operation, what IAM would check for it, and on which resource."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ministack.core import iam_actions, responses

from retide.local.callers import Caller
from retide.local.calls import Call
from retide.local.faults.operations import operation_of, services, signing_name
from retide.local.interfaces import Json

OWN: Final = "arn:aws:sagemaker:"
ENDPOINT: Final = re.compile(r"/endpoints/([^/]+)/")
INTEGRATION: Final = re.compile(r"arn:aws:states:::(?:aws-sdk:)?([\w-]+):(\w+)")
INVOKE: Final = "lambda:InvokeFunction"


def of_http(
    caller: Caller, service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Json
) -> Call:
    """The call that an HTTP request makes; `service` is the signing name."""
    operation = operation_of(service, method, path, headers, query)
    if service == "sagemaker":
        request = _json(body) if "x-amz-target" in headers else {}
        resource = sagemaker_resource(operation, request | _named_in(path))
        return Call(caller.arn, caller.role, service, operation, (f"{service}:{operation}",), resource)
    place = (responses.get_region(), responses.get_account_id())
    action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or f"{service}:{operation}"
    resource = iam_actions.extract_resource_arn(service, method, path, headers, body, query, *place)
    checks = iam_actions.dynamodb_transaction_checks(action, body, *place) if service == "dynamodb" else []
    actions = tuple(dict.fromkeys(name for name, _ in checks)) or (action,)
    return Call(caller.arn, caller.role, service, operation, actions, checks[0][1] if checks else resource)


def of_task(execution: str, role: str, resource: str, parameters: Json) -> Call | None:
    """The call that a Task state makes; None for what is no call of an API (a nested execution, an activity)."""
    found = INTEGRATION.match(resource)
    if not found:
        return None
    sdk, action = found[1], found[2]
    service, operation = (signing_name(sdk) if sdk in services() else sdk), f"{action[:1].upper()}{action[1:]}"
    if (service, operation) == ("lambda", "Invoke"):
        return Call(execution, role, service, operation, (INVOKE,), _function(parameters))
    target = sagemaker_resource(operation, parameters) if service == "sagemaker" else _any_arn(parameters)
    return Call(execution, role, service, operation, (f"{service}:{operation}",), target)


def sagemaker_resource(operation: str, request: Json) -> str:
    """The ARN of the thing that an operation names: CreateTrainingJob with TrainingJobName → training-job/<name>."""
    named = _any_arn(request, OWN)
    if named != "*":
        return named
    noun = re.sub(r"^[A-Z][a-z]+", "", operation)
    name = request.get(f"{noun}Name")
    kind = "-".join(re.findall("[A-Z][a-z]*", noun)).lower()
    place = f"{responses.get_region()}:{responses.get_account_id()}"
    return f"{OWN}{place}:{kind}/{name}" if isinstance(name, str) else "*"


def _any_arn(request: Json, start: str = "arn:") -> str:
    values = (value for name, value in request.items() if not name.startswith("Role") and isinstance(value, str))
    return next((value for value in values if value.startswith(start)), "*")


def _function(parameters: Json) -> str:
    name = str(parameters.get("FunctionName", "*"))
    place = f"{responses.get_region()}:{responses.get_account_id()}"
    return name if name.startswith("arn:") else f"arn:aws:lambda:{place}:function:{name}"


def _named_in(path: str) -> dict[str, Any]:
    found = ENDPOINT.match(path)
    return {"EndpointName": found[1]} if found else {}


def _json(body: bytes) -> Json:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}  # refused by the service itself, in its own words
    return parsed if isinstance(parsed, dict) else {}
