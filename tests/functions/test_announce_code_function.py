"""The function behind the custom resource: one message, and an answer to CloudFormation in any case."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from functions.announce_code.handler import handler
from tests.functions.deployment import Deployment, recorded


class CloudFormation(HTTPServer):
    """Takes the answers that functions put to the ResponseURL."""

    answers: list[dict[str, Any]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/answer"


class _Take(BaseHTTPRequestHandler):
    server: CloudFormation

    def do_PUT(self) -> None:
        self.server.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    server = CloudFormation(("127.0.0.1", 0), _Take)
    server.answers = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_change_of_code_is_announced_and_answered(deployment: Deployment, cloudformation: CloudFormation) -> None:
    handler(recorded("custom_resource") | {"ResponseURL": cloudformation.url}, None)
    (message,) = deployment.messages()
    assert (message["cause"], message["model"]) == ("code", "m")
    assert message["commit"] == "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_a_failure_is_answered_too_so_that_no_deployment_hangs(
    deployment: Deployment, cloudformation: CloudFormation
) -> None:
    deployment.clients.sqs.delete_queue(QueueUrl=deployment.environment.arrivals_queue_url)
    with pytest.raises(Exception, match="NonExistentQueue"):
        handler(recorded("custom_resource") | {"ResponseURL": cloudformation.url}, None)
    assert [answer["Status"] for answer in cloudformation.answers] == ["FAILED"]
