"""The WSGI application of an endpoint: /ping, /invocations, and an answer in plain words to everything else."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from .artefact import Artefact
from .requests import RequestError, parse

MAX_BODY: Final = 4 * 1024 * 1024  # what a serverless endpoint accepts
DRAINED: Final = 8  # times as much is read from a client that sends more

type Environ = dict[str, Any]
type StartResponse = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, slots=True)
class Application:
    """Serves one model; `version` is what the deployment calls it."""

    artefact: Artefact
    version: str

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status, document = self._answer(environ)
        body = b"" if document is None else json.dumps(document).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _answer(self, environ: Environ) -> tuple[int, Any]:
        try:
            return 200, self._route(environ)
        except RequestError as error:
            return error.status, _error(error.reason, error.field, error.value)
        except Exception:  # noqa: BLE001 - the client gets no traceback, the log does
            traceback.print_exc(file=sys.stderr)
            return 500, _error("the model failed on this request; the endpoint's log has the details", None, None)

    def _route(self, environ: Environ) -> Any:
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "GET")
        if path not in ROUTES:
            raise RequestError(f"there is only {' and '.join(ROUTES)}", "path", path, status=404)
        if method != ROUTES[path]:
            raise RequestError(f"{path} takes {ROUTES[path]}", "method", method, status=405)
        return None if path == "/ping" else self._invoke(environ)

    def _invoke(self, environ: Environ) -> Any:
        manifest = self.artefact.manifest
        columns = parse(_body(environ), environ.get("CONTENT_TYPE") or "", manifest)
        predictions = self.artefact.render(self.artefact.predict(columns))
        return {"model": manifest.model, "version": self.version, "predictions": predictions}


ROUTES: Final = {"/ping": "GET", "/invocations": "POST"}


def _body(environ: Environ) -> bytes:
    declared = environ.get("CONTENT_LENGTH") or None
    if declared is not None and not declared.isdigit():
        raise RequestError("must be a number of bytes", "Content-Length", declared)
    chunked = declared is None and environ.get("wsgi.input_terminated")
    size = MAX_BODY + 1 if chunked else int(declared or 0)
    body: bytes = environ["wsgi.input"].read(min(size, MAX_BODY + 1))
    if len(body) > MAX_BODY:
        _drain(environ["wsgi.input"])
        raise RequestError(f"the body may have {MAX_BODY} bytes", "Content-Length", declared, status=413)
    return body


def _drain(source: Any) -> None:
    """Read on for a while: a client that is still sending would see a broken connection instead of the answer."""
    for _ in range(DRAINED):
        if not source.read(MAX_BODY):
            return


def _error(reason: str, field: str | None, value: object) -> dict[str, Any]:
    shown = value if len(json.dumps(value, default=str)) <= 200 else f"{str(value)[:200]}…"
    return {"error": {"field": field, "value": shown, "reason": reason}}
