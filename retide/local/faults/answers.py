"""How a service of AWS words an error on the wire and to a state machine: each protocol has its own form."""

from __future__ import annotations

import json
from typing import Final
from xml.sax.saxutils import escape

from ministack.services import stepfunctions

from retide.local.faults.rules import CallFault
from retide.local.sagemaker import tasks
from retide.local.shapes import service_model

Answer = tuple[int, dict[str, str], bytes]
THROTTLED: Final = {
    "s3": ("SlowDown", 503),
    "lambda": ("TooManyRequestsException", 429),
    "sqs": ("RequestThrottled", 400),
}
USUALLY: Final = ("ThrottlingException", 400)
ENCLOSED: Final = {
    "rest-xml": "{}",
    "query": "<ErrorResponse>{}<RequestId>fault</RequestId></ErrorResponse>",
    "ec2": "<Response><Errors>{}</Errors><RequestID>fault</RequestID></Response>",
}
"""Where protocols of XML put an error; the others speak JSON."""


def error_of(fault: CallFault) -> tuple[str, int]:
    """The error's code and HTTP status."""
    return THROTTLED.get(fault.service, USUALLY) if fault.effect == "throttle" else (fault.error, fault.status)


def on_the_wire(fault: CallFault) -> Answer:
    """The answer that boto3 reads as a ClientError with this code."""
    code, status = error_of(fault)
    enclose = ENCLOSED.get(service_model(fault.service).resolved_protocol)
    if enclose:
        error = f"<Error><Code>{escape(code)}</Code><Message>{escape(fault.message)}</Message></Error>"
        return status, {"Content-Type": "text/xml"}, enclose.format(error).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}
    return status, headers, json.dumps({"__type": code, "message": fault.message}).encode()


def to_a_machine(fault: CallFault, resource: str) -> Exception:
    """The error by the name that Retry and Catch know it."""
    name = "States.Timeout" if fault.effect == "timeout" else _name(resource, error_of(fault)[0])
    error: Exception = stepfunctions._ExecutionError(name, fault.message)
    return error


def _name(resource: str, code: str) -> str:
    if ":aws-sdk:" in resource:
        service = resource.rpartition("aws-sdk:")[2].partition(":")[0]
        own = service == "sagemaker"
        return tasks.sdk_error_name(code) if own else str(stepfunctions._prefix_sdk_error(service, code))
    service = resource.removeprefix("arn:aws:states:::").partition(":")[0]
    return tasks.error_name(code) if service == "sagemaker" else f"{service.capitalize()}.{code}"
