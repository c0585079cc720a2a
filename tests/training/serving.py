"""A model of a few rows, and a client of its server that needs no network."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retide.domain.contract import Contract
from tests.training import generate
from training import data, train
from training.server.application import Application
from training.settings import Settings

CONTRACT: Final = generate.contract({"type": "category", "values": ["no", "yes"]})
GOOD: Final = {"amount in €": 1.5, "visits": 3, "member": True, "region": "north"}
JSON: Final = "application/json"
CSV: Final = "text/csv"
LINES: Final = "application/jsonlines"


def model_folder(folder: Path, contract: Contract = CONTRACT) -> Path:
    rows = generate.table(contract, rows=120)
    trained = train.train(data.Split("d1", rows.slice(0, 90), rows.slice(90)), contract, {}, 0, folder)
    train.write(trained, train.manifest(trained, contract, Settings("example", "d1", "c", 0, {})), folder)
    return folder / "model"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(app: Application, body: bytes, headers: Mapping[str, str], method: str = "POST") -> Answer:
    """POST to /invocations; header names as WSGI has them."""
    environ = {"PATH_INFO": "/invocations", "REQUEST_METHOD": method, "CONTENT_LENGTH": str(len(body))}
    said: list[tuple[str, list[tuple[str, str]]]] = []
    answer = b"".join(
        app({**environ, "wsgi.input": io.BytesIO(body), **headers}, lambda status, found: said.append((status, found)))
    )
    (status, found) = said[0]
    return Answer(int(status.split()[0]), dict(found), answer)


def send(app: Application, body: bytes | str, kind: str = JSON, accept: str = "", **headers: str) -> Answer:
    encoded = body.encode() if isinstance(body, str) else body
    return request(app, encoded, {"CONTENT_TYPE": kind, "HTTP_ACCEPT": accept, **headers})


def post(app: Application, document: object) -> Answer:
    return send(app, json.dumps(document))
