"""A typed client of a model's endpoint, to copy: through SageMaker, or straight to a server over HTTP.

client = Client(SageMaker(boto3.client("sagemaker-runtime"), "retide-prod-tumour"))
answer = client.predict([{"mean_radius": 14.2, …}])
answer.version, answer.predictions[0]["label"]
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NotRequired, Protocol, TypedDict

JSON: Final = "application/json"

type Value = str | float | bool | None
type Record = Mapping[str, Value]


class Prediction(TypedDict):
    """A classification has a label with its probabilities, a regression a value."""

    label: NotRequired[str | int | bool]
    probability: NotRequired[float]
    probabilities: NotRequired[dict[str, float]]
    value: NotRequired[float]


@dataclass(frozen=True, slots=True)
class Answer:
    """One prediction for each record, and which version of the model made them."""

    model: str
    version: str
    request_id: str
    predictions: tuple[Prediction, ...]


class Refused(Exception):
    """The endpoint cannot answer; `row` is the position of the record in the request, from 0."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        error = document["error"]
        self.status: int = status
        self.field: str | None = error["field"]
        self.value: object = error["value"]
        self.reason: str = error["reason"]
        self.row: int | None = error["row"]
        self.request_id: str = document["request_id"]
        place = f" in row {self.row}" if self.row is not None else ""
        super().__init__(f"{self.field or 'the request'}{place} {self.reason} (status {status})")


class Transport(Protocol):
    """Brings a body to a model and its status and answer back."""

    def send(self, body: bytes, request_id: str) -> tuple[int, bytes]: ...


@dataclass(frozen=True, slots=True)
class SageMaker:
    """`runtime` is boto3's client of sagemaker-runtime; it signs, and tries again where that is right."""

    runtime: Any
    endpoint: str

    def send(self, body: bytes, request_id: str) -> tuple[int, bytes]:
        named = {"EndpointName": self.endpoint, "InferenceId": request_id}
        try:
            answer = self.runtime.invoke_endpoint(**named, Body=body, ContentType=JSON, Accept=JSON)
        except self.runtime.exceptions.ModelError as error:
            return error.response["OriginalStatusCode"], error.response["OriginalMessage"].encode()
        return 200, answer["Body"].read()


@dataclass(frozen=True, slots=True)
class Http:
    """A server at hand, such as http://127.0.0.1:8080."""

    address: str
    timeout_seconds: float = 60

    def send(self, body: bytes, request_id: str) -> tuple[int, bytes]:
        headers = {"Content-Type": JSON, "Accept": JSON, "X-Request-Id": request_id}
        request = urllib.request.Request(f"{self.address}/invocations", body, headers)  # noqa: S310 - the caller's own
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_seconds) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@dataclass(frozen=True, slots=True)
class Client:
    transport: Transport

    def predict(self, records: Sequence[Record], request_id: str | None = None) -> Answer:
        """Raises Refused, with the field, the value and the row; what the transport raises passes through."""
        body = json.dumps({"records": list(records)}, allow_nan=False).encode()
        status, text = self.transport.send(body, request_id or str(uuid.uuid4()))
        document = json.loads(text)
        if status != 200:
            raise Refused(status, document)
        predictions = tuple(document["predictions"])
        return Answer(document["model"], document["version"], document["request_id"], predictions)
