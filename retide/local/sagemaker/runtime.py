"""InvokeEndpoint: the way from a client through an endpoint to the model's container and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from retide.local.errors import ApiError
from retide.local.interfaces import Json, Request, Response, Settings
from retide.local.sagemaker.endpoints import Endpoints
from retide.local.sagemaker.errors import not_supported
from retide.local.sagemaker.fleets import Fleet, under_way
from retide.local.sagemaker.hosting import Reply, Unanswered
from retide.local.sagemaker.invocations import Invocation, Invocations

PATH: Final = re.compile(r"/endpoints/([^/]+)/invocations")
PREFIX: Final = "x-amzn-sagemaker-"
PASSED_ON: Final = ("content-type", "accept", f"{PREFIX}custom-attributes", f"{PREFIX}inference-id")
TARGET_VARIANT: Final = f"{PREFIX}target-variant"
INSTANCE_BYTES: Final = 6_291_456
SERVERLESS_BYTES: Final = 4_194_304
DOCS: Final = "See the endpoint's log for more information."


class Runtime:
    """The SageMaker runtime."""

    def __init__(self, settings: Settings, endpoints: Endpoints, invocations: Invocations) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._invocations = invocations

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request of the runtime."""
        try:
            return self._invoke(request)
        except ApiError as error:
            return _error(error.status, error.code, {"Message": error.message})

    def _invoke(self, request: Request) -> Response:
        name = _endpoint_name(request)
        _refuse_unsupported(request.headers)
        fleet = self._endpoints.enter(name)
        if fleet is None:
            raise _invalid(f"Endpoint {name} of account {self._settings.account} not found.")
        with under_way(fleet):
            variant = _variant(fleet, request)
            _check_size(variant, request.body)
            _check_concurrency(variant, fleet.under_way)
            headers = {header: request.headers[header] for header in PASSED_ON if header in request.headers}
            invocation = Invocation(name, request.body, headers)
            self._invocations.mirror(fleet, invocation)
            try:
                reply = self._invocations.invoke(fleet, variant["VariantName"], invocation)
            except Unanswered:
                return _unanswered()
        return _answer(reply, variant["VariantName"])


def _endpoint_name(request: Request) -> str:
    match = PATH.fullmatch(request.path)
    if match is None or request.method != "POST":
        raise not_supported(f"SageMaker runtime's {request.method} {request.path}")
    return unquote(match.group(1))


def _refuse_unsupported(headers: Mapping[str, str]) -> None:
    unknown = sorted(name for name in headers if name.startswith(PREFIX) and name not in (*PASSED_ON, TARGET_VARIANT))
    if unknown:
        raise not_supported(f"InvokeEndpoint with the header {unknown[0]}")


def _variant(fleet: Fleet, request: Request) -> Json:
    target = request.headers.get(TARGET_VARIANT)
    variant = fleet.variant(target)
    if variant is None:
        known = ", ".join(variant["VariantName"] for variant in fleet.variants)
        raise _invalid(f"Could not find variant {target or 'with a weight above 0'}: the endpoint has {known}.")
    return variant


def _check_size(variant: Json, body: bytes) -> None:
    limit = SERVERLESS_BYTES if "ServerlessConfig" in variant else INSTANCE_BYTES
    if len(body) > limit:
        raise _invalid(
            f"1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limit}"
        )


def _check_concurrency(variant: Json, under_way: int) -> None:
    limit = variant.get("ServerlessConfig", {}).get("MaxConcurrency", under_way)
    if under_way > limit:
        raise ApiError("ThrottlingException", f"Rate exceeded: more than MaxConcurrency = {limit} invocations")


def _answer(reply: Reply, variant: str) -> Response:
    if not 200 <= reply.status < 300:
        return _model_error(reply.status, reply.body.decode(errors="replace"))
    headers = {"x-amzn-invoked-production-variant": variant}
    for name in ("content-type", f"{PREFIX}custom-attributes"):
        if name in reply.headers:
            headers[name] = reply.headers[name]
    return Response(200, headers, reply.body)


def _unanswered() -> Response:
    return _model_error(0, "Your invocation timed out while waiting for a response from container primary.")


def _model_error(status: int, message: str) -> Response:
    side = "client" if 400 <= status < 500 else "server"
    text = f'Received {side} error ({status}) from primary with message "{message}". {DOCS}'
    return _error(424, "ModelError", {"Message": text, "OriginalStatusCode": status, "OriginalMessage": message})


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)


def _error(status: int, code: str, body: Json) -> Response:
    return Response(status, {"content-type": "application/json", "x-amzn-errortype": code}, json.dumps(body).encode())
