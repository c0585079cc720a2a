"""Capture: records in DataCapture's form, sensitive values masked, nothing lost when the process stops for ever."""

import io
import json
import os
import random
import re
import signal
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.training import generate
from tests.training.serving import CONTRACT, CSV, GOOD, JSON, LINES, model_folder, post, request, send
from training.server.application import Application
from training.server.artefact import Artefact
from training.server.capture import LINE_BYTES, MASK, Capture, Sink
from training.server.manifest import Manifest

SECRET: Final = "s3cret-4711"


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    columns = {
        "id": {"type": "string", "pii": True},
        "visits": {"type": "integer", "min": 0, "max": 40},
        "region": {"type": "category", "nullable": True, "pii": True},
        "answer": {"type": "category", "values": ["no", "yes"]},
    }
    contract = generate.contract(
        {"type": "category", "values": ["no", "yes"]}, columns=columns, segments=[], event_time=None
    )
    return Artefact.load(model_folder(tmp_path_factory.mktemp("model"), contract))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return Artefact.load(model_folder(tmp_path_factory.mktemp("model"), CONTRACT))


class Log:
    """Standard output of an endpoint."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "log"
        self._out = self._file.open("wb")
        self.sink = Sink(self._out.fileno(), (folder / "lock").open("wb"))

    def records(self) -> list[Any]:
        return [json.loads(line) for line in self._file.read_bytes().splitlines()]


def served(artefact: Artefact, folder: Path, share: float = 1.0) -> tuple[Application, Log]:
    log = Log(folder)
    return Application(artefact, "7", Capture(artefact.manifest, share, log.sink, random.Random(1))), log


def test_a_record_has_the_published_form(plain: Artefact, tmp_path: Path) -> None:
    app, log = served(plain, tmp_path)
    body = json.dumps(GOOD, ensure_ascii=False)
    answer = send(app, body, "application/json; charset=utf-8", HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID="call-1")
    (record,) = log.records()
    assert record["captureData"] == {
        "endpointInput": {
            "observedContentType": "application/json; charset=utf-8",
            "mode": "INPUT",
            "data": body,
            "encoding": "JSON",
        },
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": answer.body.decode(),
            "encoding": "JSON",
        },
    }
    about = record["eventMetadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", about.pop("eventId"))
    seen = datetime.strptime(about.pop("inferenceTime"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - seen).total_seconds()) < 60
    assert about == {"inferenceId": "call-1", "customAttributes": ["model=example;version=7"]}
    assert record["eventVersion"] == "0"
    assert set(record) == {"captureData", "eventMetadata", "eventVersion"}


def test_what_is_refused_is_not_captured(plain: Artefact, tmp_path: Path) -> None:
    app, log = served(plain, tmp_path)
    assert post(app, {}).status == 400
    assert request(app, b"", {}, "GET").status == 405
    assert log.records() == []


SENSITIVE: Final = {
    "JSON": (json.dumps({"records": [{"id": SECRET, "visits": 3, "region": SECRET}, {"visits": 4}]}), JSON),
    "by position": (json.dumps({"instances": [[3, SECRET]]}), JSON),
    "JSON Lines": (json.dumps({"id": SECRET, "visits": 3, "region": None}), LINES),
    "CSV": (f"id,visits,region\n{SECRET},3,{SECRET}\n", CSV),
    "CSV without a header": (f"3,{SECRET}\n", "text/csv; header=absent"),
}


@pytest.mark.parametrize(("body", "kind"), SENSITIVE.values(), ids=list(SENSITIVE))
def test_sensitive_values_are_masked_and_the_rest_is_kept(
    artefact: Artefact, tmp_path: Path, body: str, kind: str
) -> None:
    app, log = served(artefact, tmp_path)
    answer = send(app, body, kind, accept=LINES)
    assert answer.status == 200, answer.body
    (record,) = log.records()
    asked = record["captureData"]["endpointInput"]["data"]
    assert SECRET not in json.dumps(record)
    assert MASK in asked
    again = send(Application(artefact, "7"), asked, record["captureData"]["endpointInput"]["observedContentType"])
    assert again.status == 200, "a captured request can still be read"
    assert record["captureData"]["endpointOutput"]["data"] == answer.body.decode()


def test_that_a_sensitive_value_is_missing_may_be_seen(artefact: Artefact, tmp_path: Path) -> None:
    app, log = served(artefact, tmp_path)
    post(app, {"id": SECRET, "visits": 3, "region": None})
    (record,) = log.records()
    asked = json.loads(record["captureData"]["endpointInput"]["data"])
    assert asked == {"records": [{"id": MASK, "visits": 3, "region": None}]}


@pytest.mark.parametrize(("kind", "accept"), [(JSON, JSON), (LINES, CSV), (CSV, LINES)])
def test_what_is_longer_than_an_event_is_cut_between_rows(
    plain: Artefact, tmp_path: Path, kind: str, accept: str
) -> None:
    app, log = served(plain, tmp_path)
    rows = [{**GOOD, "visits": visits % 40} for visits in range(9_000)]
    bodies = {
        JSON: json.dumps({"columns": list(GOOD), "data": [list(row.values()) for row in rows]}),
        LINES: "\n".join(json.dumps(row) for row in rows),
        CSV: "\n".join([",".join(GOOD), *(f"1.5,{row['visits']},true,north" for row in rows)]),
    }
    assert send(app, bodies[kind], kind, accept, HTTP_X_REQUEST_ID="long").status == 200
    found = log.records()
    assert len(found) > 1
    assert all(len(json.dumps(record, ensure_ascii=False).encode()) <= LINE_BYTES for record in found)
    assert {record["eventMetadata"]["inferenceId"] for record in found} == {"long"}
    assert len({record["eventMetadata"]["eventId"] for record in found}) == len(found)
    again = Application(plain, "7")
    counted = 0
    for record in found:
        asked = record["captureData"]["endpointInput"]
        counted += len(send(again, asked["data"], asked["observedContentType"]).json()["predictions"])
    assert counted == len(rows)


def test_one_row_that_is_too_long_is_told_without_its_input(plain: Artefact, tmp_path: Path) -> None:
    app, log = served(plain, tmp_path)
    assert post(app, {**GOOD, "region": "x" * LINE_BYTES}).status == 200
    (record,) = log.records()
    assert record["captureData"]["endpointInput"]["data"] == ""
    assert record["eventMetadata"]["customAttributes"] == ["model=example;version=7;rows=0-0;omitted=input"]
    assert "predictions" in record["captureData"]["endpointOutput"]["data"]


@pytest.mark.parametrize(("share", "least", "most"), [(0.25, 60, 140), (1.0, 400, 400)])
def test_a_share_of_the_requests_is_kept(plain: Artefact, tmp_path: Path, share: float, least: int, most: int) -> None:
    app, log = served(plain, tmp_path, share)
    for _ in range(400):
        post(app, GOOD)
    assert least <= len(log.records()) <= most


@pytest.mark.parametrize("text", ["-1", "101", "nan", "all"])
def test_a_share_that_is_none_is_refused_when_the_server_starts(plain: Artefact, text: str) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 100|could not convert"):
        Capture.from_environment(plain.manifest, {"RETIDE_CAPTURE": text})


def test_nothing_is_captured_unless_it_is_asked_for(plain: Artefact) -> None:
    assert Capture.from_environment(plain.manifest, {}) is None
    assert Capture.from_environment(plain.manifest, {"RETIDE_CAPTURE": "0"}) is None


def test_a_log_that_is_gone_stops_nobody(plain: Artefact, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    app = Application(plain, "7", Capture(plain.manifest, 1, Sink(writer, (tmp_path / "lock").open("wb"))))
    assert post(app, GOOD).status == 200
    assert "a request could not be captured" in capsys.readouterr().err
    os.close(writer)


def test_lines_of_several_workers_do_not_mix(tmp_path: Path) -> None:
    """Each worker has a lock of its own over one pipe that is far too narrow for what they write."""
    reader, writer = os.pipe()
    lines = [f"{worker:02}{'x' * 50_000}\n".encode() for worker in range(8)]
    found = io.BytesIO()

    def drain() -> None:
        with os.fdopen(reader, "rb") as source:
            found.write(source.read())

    draining = threading.Thread(target=drain)
    draining.start()
    workers = []
    for line in lines:
        pid = os.fork()
        if pid == 0:
            sink = Sink(writer, (tmp_path / "lock").open("wb"))
            for _ in range(5):
                sink.write(line)
            os._exit(0)
        workers.append(pid)
    os.close(writer)
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 8
    draining.join()
    assert sorted(found.getvalue().splitlines(keepends=True)) == sorted(lines * 5)


def _frozen_server(app: Application, answers: int) -> None:
    """Answers requests one by one on descriptor `answers`, as a worker does."""
    for number in range(100_000):
        answer = send(app, json.dumps(GOOD), HTTP_X_REQUEST_ID=f"r{number}")
        os.write(answers, f"{answer.headers['X-Request-Id']}\n".encode())


@pytest.mark.parametrize("after", [1, 7, 40])
def test_every_answer_that_got_out_was_captured_before_however_the_process_ends(
    plain: Artefact, tmp_path: Path, after: int
) -> None:
    """Killed the moment that a client has its answer, which is how a frozen container ends."""
    app, log = served(plain, tmp_path)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _frozen_server(app, writer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as source:
        answered = [source.readline() for _ in range(after)]
        os.kill(pid, signal.SIGKILL)
        answered += source.readlines()
    os.waitpid(pid, 0)
    captured = {record["eventMetadata"]["inferenceId"] for record in log.records()}
    assert {line.decode().strip() for line in answered} <= captured


def test_the_lock_lies_in_the_temporary_folder() -> None:
    sink = Sink.standard_output()
    assert sink.lock.name == str(Path(tempfile.gettempdir()) / f"retide-capture-{os.getppid()}.lock")
    sink.lock.close()


def test_a_manifest_of_before_has_no_sensitive_columns(plain: Artefact, tmp_path: Path) -> None:
    raw = json.loads(plain.manifest.to_json())
    del raw["pii"]
    (tmp_path / "manifest.json").write_text(json.dumps(raw))
    assert Manifest.read(tmp_path).pii == ()
