"""CloudFormation waits for an answer: it gets one, over real HTTP, however the work ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from retide.aws.custom_resource import custom_resource

Json = dict[str, Any]


class Waiting(HTTPServer):
    """The address that CloudFormation gives, and the answers that it got."""

    answers: list[Json]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/answer"


class _Answer(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        assert isinstance(self.server, Waiting)
        self.server.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def cloudformation() -> Iterator[Waiting]:
    server = Waiting(("127.0.0.1", 0), _Answer)
    server.answers = []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _event(cloudformation: Waiting, **more: str) -> Json:
    names = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Thing", "RequestType": "Create"}
    return {**names, "ResponseURL": cloudformation.url, **more}


def test_work_that_ends_well_is_answered_with_success(cloudformation: Waiting) -> None:
    seen: list[Json] = []
    custom_resource(seen.append)(_event(cloudformation), None)
    (answer,) = cloudformation.answers
    assert (answer["Status"], answer["PhysicalResourceId"], answer["RequestId"]) == ("SUCCESS", "Thing", "request")
    assert seen[0]["RequestType"] == "Create"


def test_work_that_fails_is_answered_with_its_reason_and_raised(cloudformation: Waiting) -> None:
    def fail(_event: Json) -> None:
        raise ValueError("no such bucket " + "x" * 5000)

    with pytest.raises(ValueError, match="no such bucket"):
        custom_resource(fail)(_event(cloudformation), None)
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("ValueError: no such bucket")
    assert len(json.dumps(answer)) < 4096


def test_an_update_keeps_the_identity_that_the_resource_has(cloudformation: Waiting) -> None:
    custom_resource(lambda _: None)(_event(cloudformation, PhysicalResourceId="older"), None)
    assert cloudformation.answers[0]["PhysicalResourceId"] == "older"
