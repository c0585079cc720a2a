"""Speaks AWS's JSON protocol for SageMaker: finds the operation, checks both directions, words the errors."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping

from retide.local.interfaces import Json, Request, Response, Settings
from retide.local.sagemaker.errors import NOT_SUPPORTED, ApiError, invalid, not_supported
from retide.local.sagemaker.shapes import check_request, wire
from retide.local.sagemaker.support import refuse_unsupported

logger = logging.getLogger("retide.local.sagemaker")

Operation = Callable[[Json], Json]
TARGET = "SageMaker."


class Api:
    """The operations by name; HTTP requests, Step Functions tasks and CloudFormation all come through here."""

    def __init__(self, settings: Settings, operations: Mapping[str, Operation]) -> None:
        self._settings = settings
        self._operations = operations

    def call(self, name: str, request: Json) -> Json:
        """Carry out one operation; the answer has datetimes. Raises ApiError."""
        check_request(name, request)
        implementation = self._operations.get(name)
        if implementation is None:
            raise not_supported(f"SageMaker.{name}")
        refuse_unsupported(name, request)
        return implementation({key: value for key, value in request.items() if value is not None})

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request of the control plane."""
        try:
            name = request.headers.get("x-amz-target", "").removeprefix(TARGET)
            self._check_scope(request)
            return _json(200, wire(name, self.call(name, _parsed(request.body))))
        except ApiError as error:
            return error_response(error)

    def _check_scope(self, request: Request) -> None:
        settings = self._settings
        if (request.account, request.region) != (settings.account, settings.region):
            raise not_supported(f"SageMaker in account {request.account}, region {request.region}")

    @property
    def operations(self) -> frozenset[str]:
        """The names of what can be carried out."""
        return frozenset(self._operations)


def error_response(error: ApiError) -> Response:
    """A client is told what it did wrong; the log is told only what the local cloud cannot do."""
    level = logging.WARNING if error.code == NOT_SUPPORTED else logging.DEBUG
    logger.log(level, "%s: %s", error.code, error.message)
    body = {"__type": error.code, "message": error.message}
    return _json(error.status, body, {"x-amzn-errortype": error.code})


def _parsed(body: bytes) -> Json:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError as problem:
        raise ApiError("SerializationException", f"the request is not JSON: {problem}") from problem
    if not isinstance(parsed, dict):
        raise invalid("the request must be a JSON object")
    return parsed


def _json(status: int, body: Json, headers: Mapping[str, str] | None = None) -> Response:
    content = {"content-type": "application/x-amz-json-1.1"}
    return Response(status, content | dict(headers or {}), json.dumps(body).encode())
