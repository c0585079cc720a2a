"""Captured requests and answers, read as DataCapture writes them: by SageMaker or by our own server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from retide.domain.captured import key, read


def line(answer: object, asked: str | None = None, kind: str = "application/json", **about: object) -> bytes:
    data: dict[str, Any] = {"endpointOutput": {"data": json.dumps(answer), "encoding": "JSON"}}
    if asked is not None:
        data["endpointInput"] = {"data": asked, "encoding": "JSON", "observedContentType": kind}
    return json.dumps({"captureData": data, "eventMetadata": about, "eventVersion": "0"}).encode()


def answer(*labels: str, request: str = "r-1") -> dict[str, object]:
    return {"version": "2", "request_id": request, "predictions": [{"label": label} for label in labels]}


def test_the_clients_id_counts_before_the_servers() -> None:
    found = read(line(answer("yes"), inferenceId="row-7", inferenceTime="2026-01-01T00:00:00Z"))
    assert found
    assert (found.version, found.request, found.at) == ("2", "row-7", "2026-01-01T00:00:00Z")
    assert list(found.keys(["id"])) == ["row-7"]
    without = read(line(answer("yes")))
    assert without
    assert list(without.keys(["id"])) == ["r-1"]


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ('{"records": [{"id": 1, "x": 2}, {"id": 5}]}', "application/json"),
        ('{"instances": [{"id": 1}, {"id": 5}]}', "application/json"),
        ('{"columns": ["id", "x"], "data": [[1, 2], [5, 3]]}', "application/json"),
        ('{"id": 1}\n{"id": 5}\n', "application/jsonlines"),
        ("id,x\n1,2\n5,3\n", "text/csv"),
    ],
)
def test_rows_that_are_kept_are_known_by_their_id_columns(asked: str, kind: str) -> None:
    found = read(line(answer("yes", "no"), asked, kind, inferenceId="several"))
    assert found
    assert list(found.keys(["id"])) == ["1", "5"]


@pytest.mark.parametrize("asked", ["not json", '{"records": 3}', "", '{"columns": ["a"], "data": [[1, 2]]}'])
def test_a_request_that_nobody_can_read_leaves_its_rows_unknown(asked: str) -> None:
    found = read(line(answer("yes", "no"), asked, inferenceId="several"))
    assert found
    assert list(found.keys(["id"])) == [None, None]


def test_several_id_columns_are_one_key() -> None:
    assert key({"a": 1, "b": "x"}, ["a", "b"]) == "1/x"
    assert key({"a": 1}, ["a", "b"]) is None
    assert key({"a": 1}, []) is None


def test_what_is_encoded_is_decoded() -> None:
    said = json.loads(line(answer("yes"), inferenceId="i"))
    side = said["captureData"]["endpointOutput"]
    side |= {"data": base64.b64encode(side["data"].encode()).decode(), "encoding": "BASE64"}
    found = read(json.dumps(said).encode())
    assert found
    assert found.predictions == ({"label": "yes"},)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", line([1]), line({"predictions": [1], "version": "2"})])
def test_what_is_no_answer_is_none(raw: bytes) -> None:
    assert read(raw) is None
