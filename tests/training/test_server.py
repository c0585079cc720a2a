"""The server: what it accepts, what it refuses and in which words, and that it answers as the evaluation recorded."""

import http.client
import io
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training import generate
from tests.training.container import PYTHON, Container
from tests.training.serving import CONTRACT, GOOD, model_folder
from training.server import integrity
from training.server.application import MAX_BODY, Application
from training.server.artefact import Artefact, Columns, Scores, Session
from training.server.manifest import ArtefactError


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Application:
    return Application(Artefact.load(model_folder(tmp_path_factory.mktemp("model"))), "7")


def ask(
    app: Application, body: bytes, kind: str = "application/json", path: str = "/invocations", method: str = "POST"
) -> tuple[int, Any]:
    said: list[str] = []
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    answer = b"".join(app(environ, lambda status, _headers: said.append(status)))
    return int(said[0].split()[0]), json.loads(answer) if answer else None


def post(app: Application, document: object) -> tuple[int, Any]:
    return ask(app, json.dumps(document).encode())


def predictions(app: Application, document: object) -> Any:
    status, answer = post(app, document)
    assert status == 200, answer
    return answer["predictions"]


@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")
@pytest.mark.parametrize("wild", [(np.inf, 0.5), (np.nan, 0.5), (np.inf, -np.inf)])
def test_what_overflows_within_a_model_is_refused_with_its_row(app: Application, wild: tuple[float, float]) -> None:
    class Overflowing(Artefact):
        def predict(self, columns: Columns) -> Scores:
            return np.array([(0.5, 0.5), wild])

    overflowing = Application(Overflowing(app.artefact.manifest, app.artefact.session), "7")
    status, answer = post(overflowing, {"records": [GOOD, GOOD]})
    assert (status, answer["error"]["row"]) == (400, 1)
    assert answer["error"]["reason"] == "the model has no finite answer to values of this size"


def test_a_ping_is_answered_once_the_model_is_loaded(app: Application) -> None:
    assert ask(app, b"", path="/ping", method="GET") == (200, None)


def test_one_record_many_and_a_table_get_the_same_answers(app: Application) -> None:
    status, one = post(app, GOOD)
    assert status == 200
    assert (one["model"], one["version"]) == ("example", "7")
    prediction = one["predictions"][0]
    assert prediction["probabilities"][prediction["label"]] == prediction["probability"] >= 0.5
    assert list(prediction["probabilities"]) == ["no", "yes"]
    assert post(app, {"records": [GOOD, GOOD]})[1]["predictions"] == [prediction] * 2
    assert predictions(app, {"columns": list(GOOD), "data": [list(GOOD.values())]}) == [prediction]
    assert predictions(app, {"instances": [GOOD, list(GOOD.values())]}) == [prediction] * 2


def test_csv_gets_the_same_answers_and_its_words_for_missing_are_the_contracts(app: Application) -> None:
    text = "amount in €,visits,member,region,id\n1.5,3,true,north,x\nNA,3,?,,y\n\n"
    status, answer = ask(app, text.encode(), "text/csv; charset=utf-8")
    assert status == 200
    gaps = {**GOOD, "amount in €": None, "member": None, "region": None}
    assert answer["predictions"] == predictions(app, {"records": [GOOD, gaps]})


def test_a_nullable_feature_may_be_left_out_and_a_category_may_be_new(app: Application) -> None:
    assert predictions(app, {"visits": 3}) == predictions(app, {**dict.fromkeys(GOOD), "visits": 3})
    assert post(app, {**GOOD, "region": "never seen"})[0] == 200


REFUSED: Final = {
    "a text for a number": ({**GOOD, "visits": "many"}, "visits", "many", "must be a number"),
    "a flag for a number": ({**GOOD, "visits": True}, "visits", True, "must be a number"),
    "a fraction for an integer": ({**GOOD, "visits": 1.5}, "visits", 1.5, "must be a whole number"),
    "a number for a flag": ({**GOOD, "member": 1}, "member", 1, "must be true or false"),
    "a number for a category": ({**GOOD, "region": 1}, "region", 1, "must be a text"),
    "more than float32 holds": ({**GOOD, "amount in €": 1e39}, "amount in €", 1e39, "must be a finite number"),
    "more than a float holds": ({**GOOD, "visits": 10**400}, "visits", None, "is too large"),
    "null where none may be": ({**GOOD, "visits": None}, "visits", None, "must not be null"),
    "nothing where something must be": ({"member": True}, "visits", None, "is missing"),
    "an unknown column": ({**GOOD, "vists": 1}, "vists", None, "is not a column of model 'example'"),
    "no records": ({"records": []}, "records", [], "holds no record"),
    "a record that is none": ({"records": [GOOD, 3]}, "records", 3, "must hold objects"),
    "a short row": ({"columns": ["visits"], "data": [[]]}, "data", [], "must hold rows of 1 values"),
    "columns twice": ({"columns": ["a", "a"], "data": [[1, 2]]}, "columns", ["a", "a"], "must be distinct"),
    "no rows": ({"columns": ["visits"], "data": []}, "data", [], "holds no row"),
    "a list": ([GOOD], None, None, "send {"),
    "something beside the records": ({"records": [GOOD], "x": 1}, "x", 1, "does not belong beside 'records'"),
    "half a surrogate": ({**GOOD, "region": "\ud800"}, "region", "\ud800", "must be valid Unicode"),
    "an instance of another length": ({"instances": [[1]]}, "instances", [1], "must hold the 4 features"),
}


@pytest.mark.parametrize(("document", "field", "value", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_a_request_that_cannot_be_answered_is_explained(
    app: Application, document: object, field: str | None, value: object, reason: str
) -> None:
    status, answer = post(app, document)
    assert status == 400
    assert answer["error"]["field"] == field
    assert reason in answer["error"]["reason"]
    if value is not None:
        assert answer["error"]["value"] == value


def test_a_number_that_is_none_is_refused(app: Application) -> None:
    status, answer = ask(app, b'{"visits": NaN}')
    assert (status, answer["error"]["field"]) == (400, "visits")


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"{", "application/json", 400, "the body is not JSON"),
        (b"\xff", "application/json", 400, "the body is not JSON"),
        (b"[" * 100_000, "application/json", 400, "the body is not JSON"),
        (b"\xff", "text/csv", 400, "the body is not CSV"),
        (b"visits\n", "text/csv", 400, "send a header line"),
        (b"visits,member\n1\n", "text/csv", 400, "must hold rows of 2 values"),
        (b"visits;member\n1;true\n", "text/csv", 400, "separate the columns with commas"),
        (b"visits\nmany\n", "text/csv", 400, "must be a number"),
        (b"{}", "application/xml", 415, "send Content-Type application/json, application/jsonlines or text/csv"),
        (b"{}", "", 415, "send Content-Type application/json, application/jsonlines or text/csv"),
        (b" " * (MAX_BODY + 1), "application/json", 413, f"the body may have {MAX_BODY} bytes"),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    app: Application, body: bytes, kind: str, status: int, reason: str
) -> None:
    seen, answer = ask(app, body, kind)
    assert (seen, reason in answer["error"]["reason"]) == (status, True)


def test_other_paths_and_methods_are_refused(app: Application) -> None:
    assert ask(app, b"", path="/metrics")[0] == 404
    assert ask(app, b"", method="GET")[0] == 405


VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "records", "x"]), inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(document=VALUES)
def test_whatever_is_sent_is_answered_or_refused_but_never_an_accident(app: Application, document: Any) -> None:
    status, answer = post(app, document)
    assert status in (200, 400)
    assert ("predictions" in answer) == (status == 200)


class Broken(Session):
    """A session that nothing can be run on."""

    def __init__(self) -> None:
        pass


def test_an_accident_of_the_model_is_no_traceback_to_the_client(
    app: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Application(Artefact(app.artefact.manifest, Broken()), "7")
    status, answer = post(broken, GOOD)
    assert (status, set(answer)) == (500, {"error", "model", "version", "request_id"})
    assert "Traceback" not in json.dumps(answer)
    assert "Traceback" in capsys.readouterr().err


def test_a_regression_answers_with_a_value(tmp_path: Path) -> None:
    contract = generate.contract({"type": "float"}, "regression", "rmse")
    served = Application(Artefact.load(model_folder(tmp_path, contract)), "1")
    assert [set(entry) for entry in post(served, GOOD)[1]["predictions"]] == [{"value"}]


def test_an_altered_model_is_not_loaded(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    onnx = folder / "model.onnx"
    onnx.write_bytes(onnx.read_bytes() + b" ")
    with pytest.raises(ArtefactError, match="the model was altered"):
        Artefact.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "retide-model/9"}', '{"format": "retide-model/1"}'])
def test_a_manifest_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ArtefactError):
        Artefact.load(tmp_path)


# ------------------------------------------------------------ under gunicorn, as the image's `serve` runs it


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, libs: Path) -> Iterator[tuple[Container, int]]:
    container = Container(tmp_path_factory.mktemp("served") / "ml", CONTRACT, libs)
    container.receive(a=generate.table(CONTRACT, rows=300))
    assert container.train().code == 0
    container.keep_model()
    assert container.evaluate().code == 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = container.base / "model/code"
        command = [str(PYTHON), "-m", "gunicorn", "--workers", "1", "--worker-tmp-dir", str(container.base)]
        command += ["--bind", f"fd://{listener.fileno()}", "--no-control-socket", "server.wsgi:app"]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(code),
            "PYTHONDONTWRITEBYTECODE": "1",
            integrity.VARIABLE: integrity.digest(container.base / "model"),
        }
        server = subprocess.Popen(command, env=environment, cwd=code, pass_fds=[listener.fileno()])
        try:
            yield container, listener.getsockname()[1]
        finally:
            server.terminate()
            server.wait(timeout=30)


def call(port: int, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


def test_an_endpoint_answers_golden_requests_as_the_evaluation_recorded(served: tuple[Container, int]) -> None:
    container, port = served
    assert call(port, "GET", "/ping") == (200, None)
    golden = container.output("golden.json")["requests"]
    records = {"records": [entry["record"] for entry in golden]}
    status, answer = call(port, "POST", "/invocations", json.dumps(records).encode())
    assert (status, answer["model"], answer["version"]) == (
        200,
        "example",
        integrity.digest(container.base / "model")[:12],
    )
    for seen, entry in zip(answer["predictions"], golden, strict=True):
        assert seen["label"] == entry["prediction"]["label"]
        np.testing.assert_allclose(seen["probability"], entry["prediction"]["probability"], atol=1e-6)


def test_an_endpoint_refuses_what_it_cannot_answer(served: tuple[Container, int]) -> None:
    _, port = served
    assert call(port, "POST", "/invocations", b"{}")[1]["error"] == {
        "field": "visits",
        "reason": "is missing",
        "value": None,
        "row": 0,
    }
    assert call(port, "POST", "/invocations", b"a\n1\n", "text/plain")[0] == 415
    assert call(port, "POST", "/invocations", b" " * (MAX_BODY + 1))[0] == 413
    assert call(port, "GET", "/nothing")[0] == 404
