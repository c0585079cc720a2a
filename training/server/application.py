"""The WSGI application of an endpoint: /ping, /invocations, and an answer in plain words to everything else."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import isfinite
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from . import answers, bodies, ids, media, rows
from .artefact import Artefact, Scores
from .capture import Capture, Exchange
from .errors import RequestError
from .requests import Reader

MAX_BODY: Final = 6 * 1024 * 1024  # what SageMaker hands on to an instance; to a serverless container it is 4 MiB
DRAINED: Final = 8  # times as much is read from a client that sends more
REQUEST_ID: Final = re.compile(r"[!-~]{1,64}")  # what SageMaker lets an InferenceId be, without blanks
STATUS: Final = {int(status): f"{int(status)} {status.phrase}" for status in HTTPStatus}

type Environ = dict[str, Any]
type StartResponse = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = media.JSON


class Application:
    """Serves one model; `version` is what the deployment calls it, `capture` keeps what is answered.

    With `row_errors`, JSON Lines of which some are wrong are answered line by line, as a batch wants it.
    """

    def __init__(
        self, artefact: Artefact, version: str, capture: Capture | None = None, *, row_errors: bool = False
    ) -> None:
        self.artefact, self.version = artefact, version
        self._row_errors = row_errors
        self._capture = capture
        self._reader = Reader(artefact.manifest)
        self._said = f"model={quote(artefact.manifest.model)};version={quote(version)}"

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = _request_id(environ)
        reply = self._answer(environ, request)
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("X-Request-Id", request),
            ("X-Amzn-SageMaker-Custom-Attributes", f"{self._said};request-id={request}"),
        ]
        start_response(STATUS[reply.status], headers)
        return [reply.body]

    def _answer(self, environ: Environ, request: str) -> Reply:
        about = {"model": self.artefact.manifest.model, "version": self.version, "request_id": request}
        try:
            return self._route(environ, about)
        except RequestError as error:
            return _refusal(error, about)
        except Exception:  # noqa: BLE001 - the client gets no traceback, the log does
            traceback.print_exc(file=sys.stderr)
            reason = "the model failed on this request; the endpoint's log has the details"
            return _refusal(RequestError(reason, status=500), about)

    def _route(self, environ: Environ, about: Mapping[str, str]) -> Reply:
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "GET")
        if path not in ROUTES:
            raise RequestError(f"there is only {' and '.join(ROUTES)}", "path", path, status=404)
        if method != ROUTES[path]:
            raise RequestError(f"{path} takes {ROUTES[path]}", "method", method, status=405)
        return Reply(200) if path == "/ping" else self._invoke(environ, about)

    def _invoke(self, environ: Environ, about: Mapping[str, str]) -> Reply:
        body, kind = _body(environ), environ.get("CONTENT_TYPE") or ""
        manifest = self.artefact.manifest
        asked, wanted = media.of_body(kind), media.of_answer(environ.get("HTTP_ACCEPT", ""))
        if self._row_errors and asked.type == wanted.type == media.JSON_LINES:
            lines = rows.answered(body, lambda some: self._predicted(bodies.records(some, asked, manifest)))
            return Reply(200, answers.written(lines, wanted, about, manifest), answers.content_type(wanted))
        records = bodies.records(body, asked, manifest)
        predictions = self._predicted(records)
        answer = answers.written(predictions, wanted, about, manifest)
        if self._capture:
            request = about["request_id"]
            self._capture.keep(Exchange(request, self._said, body, kind, asked, records, predictions, answer, wanted))
        return Reply(200, answer, answers.content_type(wanted))

    def _predicted(self, records: Sequence[bodies.Record]) -> list[dict[str, Any]]:
        return self.artefact.render(_finite(self.artefact.predict(self._reader.columns(records))))


ROUTES: Final = {"/ping": "GET", "/invocations": "POST"}


def _request_id(environ: Environ) -> str:
    """The client's own, which through SageMaker comes as InferenceId; one of ours where there is none to use."""
    given = environ.get("HTTP_X_REQUEST_ID") or environ.get("HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID") or ""
    return given if REQUEST_ID.fullmatch(given) else ids.fresh()


def _finite(scores: Scores) -> Scores:
    """Numbers of a size that nobody trained on can overflow within a model. Sums of what 32 bits can hold do not."""
    if not isfinite(scores.sum()):
        row = int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
        raise RequestError("the model has no finite answer to values of this size", row=row)
    return scores


def _body(environ: Environ) -> bytes:
    declared = environ.get("CONTENT_LENGTH") or None
    if declared is not None and not re.fullmatch(r"[0-9]+", declared):
        raise RequestError("must be a number of bytes", "Content-Length", declared)
    chunked = declared is None and environ.get("wsgi.input_terminated")
    size = MAX_BODY + 1 if chunked or len(declared or "") > 15 else int(declared or 0)
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


def _refusal(error: RequestError, about: Mapping[str, str]) -> Reply:
    return Reply(error.status, answers.encode({"error": error.to_dict(), **about}).encode())
