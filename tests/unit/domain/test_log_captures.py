"""Captures as CloudWatch Logs delivers them: each record once, where SageMaker's own DataCapture would have put it."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.log_captures import decode
from retide.domain.untrusted import UnknownMessage
from retide.steps.keep_captures import Kept, keep_captures
from tests.fakes import FakeObjects

GROUP = "/aws/sagemaker/Endpoints/retide-dev-m"
NOON = 1_767_268_800_123  # 2026-01-01T12:00:00.123Z
RECORD = json.dumps({"captureData": {"endpointOutput": {"data": "{}"}}, "eventVersion": "0"})


def packed(said: object) -> dict[str, Any]:
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(said).encode())).decode()}}


def event(*lines: str, group: str = GROUP, stream: str = "AllTraffic/abc", at: int = NOON, **more: Any) -> Any:
    events = [{"id": str(n), "timestamp": at + n, "message": line} for n, line in enumerate(lines)]
    said = {"messageType": "DATA_MESSAGE", "logGroup": group, "logStream": stream, "logEvents": events}
    return packed({**said, **more})


def kept(raw: Any) -> tuple[Kept, dict[str, bytes]]:
    objects = FakeObjects()
    done = keep_captures(raw, objects, "dev")
    return done, {key: versions[-1][1] for key, versions in objects.versions.items()}


def test_a_record_lies_where_data_capture_puts_those_of_instances() -> None:
    done, found = kept(event(RECORD, RECORD.replace("{}", "{1}")))
    assert done == Kept("kept", 1, 2, 0)
    ((key, body),) = found.items()
    assert key.startswith("captures/m/retide-dev-m/AllTraffic/2026/01/01/12/00-00-123-")
    assert key.endswith(".jsonl")
    assert body.decode().splitlines() == [RECORD, RECORD.replace("{}", "{1}")]


def test_what_is_delivered_again_is_not_there_twice() -> None:
    objects = FakeObjects()
    for _ in range(2):
        keep_captures(event(RECORD), objects, "dev")
    keep_captures(event(RECORD, stream="AllTraffic/other"), objects, "dev")
    assert len(objects.versions) == 2


def test_the_hours_of_one_delivery_are_files_of_their_own() -> None:
    done, found = kept(event(RECORD, RECORD, at=NOON - 124))
    assert done.files == len(found) == 2
    assert {key.split("/")[-2] for key in found} == {"11", "12"}


def test_lines_that_merely_name_a_capture_are_left_where_they_are() -> None:
    lines = ["captureData was not possible", '{"captureData": 1}', '["captureData"]', "captureData {"]
    assert kept(event(*lines)) == (Kept("nothing to keep", 0, 0, 4), {})


def test_a_question_whether_somebody_is_there_keeps_nothing() -> None:
    asked = event("CWL CONTROL MESSAGE: Checking health of destination.", messageType="CONTROL_MESSAGE")
    assert kept(asked) == (Kept("nothing to keep"), {})


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({}, "awslogs"),
        ({"awslogs": {"data": "no base64"}}, "gzipped JSON"),
        ({"awslogs": {"data": base64.b64encode(b"no gzip").decode()}}, "gzipped JSON"),
        (packed([1]), "awslogs.data"),
        (event(RECORD, group="/aws/lambda/x"), "not that of an endpoint"),
        (event(RECORD, group="/aws/sagemaker/Endpoints/retide-prod-m"), "none of stage dev"),
        (event(RECORD, group="/aws/sagemaker/Endpoints/retide-dev-"), "none of stage dev"),
        (event(logEvents=3), "must be a list"),
        (event(logEvents=[{"timestamp": "now", "message": "x"}]), "timestamp in milliseconds"),
    ],
)
def test_what_is_no_delivery_of_a_log_is_refused_in_words(raw: object, why: str) -> None:
    with pytest.raises(UnknownMessage, match=why):
        keep_captures(raw, FakeObjects(), "dev")


def test_a_stream_cannot_lead_out_of_its_folder() -> None:
    _, found = kept(event(RECORD, stream="../../incoming/m/x"))
    assert [key.split("/")[3] for key in found] == ["AllTraffic"]


@settings(max_examples=60)
@given(st.lists(st.text(max_size=80).filter(lambda text: "\n" not in text and "\r" not in text), max_size=8))
def test_every_record_is_kept_once_whatever_is_in_it(texts: list[str]) -> None:
    lines = [
        json.dumps({"captureData": {"endpointOutput": {"data": text}}, "eventVersion": "0", "n": n})
        for n, text in enumerate(texts)
    ]
    _, found = kept(event(*lines))
    assert sorted(line for body in found.values() for line in body.decode().split("\n") if line) == sorted(lines)
    assert len(decode(event(*lines)).events) == len(lines)
