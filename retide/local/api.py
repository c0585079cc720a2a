"""Speaks AWS's JSON protocol for a service of ours: finds the operation, checks both directions, words the errors."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping

from retide.local.errors import NOT_SUPPORTED, ApiError, invalid, not_supported
from retide.local.interfaces import Json, Request, Response, Settings
from retide.local.members import Refused, refuse_unsupported
from retide.local.shapes import check_request, service_model, wire

logger = logging.getLogger("retide.local.api")

Operation = Callable[[Json], Json]


class Api:
    """The operations of one service by name; HTTP requests, tasks and CloudFormation all come through here.

    `service` is botocore's name of it, `refused` what its requests may not have, `folder` where more would be added.
    """

    def __init__(
        self, settings: Settings, service: str, operations: Mapping[str, Operation], refused: Refused, folder: str
    ) -> None:
        self._settings = settings
        self._service = service
        self._operations = operations
        self._refused = refused
        self._folder = folder
        model = service_model(service)
        self._name = model.service_id
        self._prefix = f"{model.metadata['targetPrefix']}."

    def call(self, name: str, request: Json) -> Json:
        """Carry out one operation; the answer has datetimes. Raises ApiError."""
        check_request(self._service, name, request)
        implementation = self._operations.get(name)
        if implementation is None:
            raise not_supported(f"{self._name}.{name}", self._folder)
        refuse_unsupported(self._refused, name, request, self._folder)
        return implementation({key: value for key, value in request.items() if value is not None})

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request of the control plane."""
        try:
            name = request.headers.get("x-amz-target", "").removeprefix(self._prefix)
            self._check_scope(request)
            return _json(200, wire(self._service, name, self.call(name, _parsed(request.body))))
        except ApiError as error:
            return error_response(error)

    def _check_scope(self, request: Request) -> None:
        settings = self._settings
        if (request.account, request.region) != (settings.account, settings.region):
            raise not_supported(f"{self._name} in account {request.account}, region {request.region}", self._folder)

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
