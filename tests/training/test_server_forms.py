"""The forms of requests and answers: what is negotiated, what comes out, and what every answer says of itself."""

import csv
import io
import json
import uuid
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.contract import Contract
from tests.training import generate
from tests.training.serving import CONTRACT, CSV, GOOD, JSON, LINES, Answer, model_folder, post, send
from training import convert, defaults, features, fitting
from training.server import media
from training.server.application import Application
from training.server.artefact import Artefact, Columns, Scores, Session, open_session
from training.server.bodies import records
from training.server.errors import RequestError
from training.server.manifest import Manifest
from training.server.media import Form
from training.server.requests import columns

ROWS: Final = [GOOD, {**GOOD, "region": None}, {**GOOD, "visits": 7}]
HEADER: Final = ",".join(GOOD)
AS_CSV: Final = f"{HEADER}\n1.5,3,true,north\n1.5,3,true,\n1.5,7,true,north\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Application:
    return Application(Artefact.load(model_folder(tmp_path_factory.mktemp("model"))), "7")


@pytest.fixture(scope="module")
def expected(app: Application) -> Any:
    return post(app, {"records": ROWS}).json()["predictions"]


SENT: Final = {
    "records": (json.dumps({"records": ROWS}), JSON),
    "instances": (json.dumps({"instances": ROWS}), JSON),
    "instances by position": (json.dumps({"instances": [list(row.values()) for row in ROWS]}), JSON),
    "columns": (json.dumps({"columns": list(GOOD), "data": [list(row.values()) for row in ROWS]}), JSON),
    "JSON Lines": ("\r\n".join(json.dumps(row) for row in ROWS) + "\n\n", LINES),
    "JSON Lines by position": ("\n".join(json.dumps(list(row.values())) for row in ROWS), "application/x-ndjson"),
    "CSV": (AS_CSV, CSV),
    "CSV without a header": (AS_CSV.partition("\n")[2], "text/csv; header=absent"),
}


def read(answer: Answer) -> list[Any]:
    """The predictions of an answer of any form."""
    kind = answer.headers["Content-Type"]
    if kind == JSON:
        return list(answer.json()["predictions"])
    if kind == LINES:
        return [json.loads(line) for line in answer.body.decode().splitlines()]
    found = csv.DictReader(io.StringIO(answer.body.decode()))
    return [
        {
            "label": row["label"],
            "probability": float(row["probability"]),
            "probabilities": {name: float(row[f"probability:{name}"]) for name in ("no", "yes")},
        }
        for row in found
    ]


@pytest.mark.parametrize("accept", [JSON, LINES, CSV])
@pytest.mark.parametrize(("body", "kind"), SENT.values(), ids=list(SENT))
def test_every_form_gets_the_same_answers_in_every_form(
    app: Application, expected: Any, body: str, kind: str, accept: str
) -> None:
    answer = send(app, body, kind, accept)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"].partition(";")[0] == accept
    assert read(answer) == expected


def test_a_csv_without_a_header_can_be_asked_for_so_that_parts_can_be_put_together(app: Application) -> None:
    whole = send(app, AS_CSV, CSV, CSV).body.decode()
    bare = send(app, AS_CSV, CSV, "text/csv; header=absent")
    assert bare.headers["Content-Type"] == "text/csv; charset=utf-8; header=absent"
    assert bare.body.decode() == whole.partition("\n")[2]
    assert whole.startswith("label,probability,probability:no,probability:yes\n")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/*", CSV),
        ("text/csv;q=0.9, application/json;q=0.1", CSV),
        ("application/json;q=0.5, application/jsonlines", LINES),
        ("application/json;q=0, */*", LINES),
        ("application/*;q=0.2, text/csv;q=0.1", JSON),
        ("text/html, */*;q=0.1", JSON),
        ("TEXT/CSV", CSV),
        ("text/csv;q=high, application/jsonlines;q=0.1", LINES),
        ("application/x-ndjson", LINES),
    ],
)
def test_what_a_client_likes_best_is_what_it_gets(accept: str, form: str) -> None:
    assert media.of_answer(accept).type == form


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0, text/*;q=0", "image/*", "nonsense", "*/*;q=0"])
def test_what_cannot_be_answered_is_a_406(app: Application, accept: str) -> None:
    answer = send(app, json.dumps(GOOD), accept=accept)
    assert (answer.status, answer.json()["error"]["field"]) == (406, "Accept")


@pytest.mark.parametrize("kind", ["application/json; charset=latin-1", "text/csv; charset=utf-16", "text/plain"])
def test_what_cannot_be_read_is_a_415(app: Application, kind: str) -> None:
    answer = send(app, json.dumps(GOOD), kind)
    assert (answer.status, answer.json()["error"]["field"]) == (415, "Content-Type")


@given(accept=st.text(alphabet='*/,;=q.019 "acvjsontexlip', max_size=60))
def test_any_wish_is_heard_or_refused(accept: str) -> None:
    try:
        heard = media.of_answer(accept).type
    except RequestError as refusal:
        heard = str(refusal.status)
    assert heard in (*media.FORMS, "406")


@pytest.mark.parametrize(
    ("body", "kind", "row", "field"),
    [
        (json.dumps({"records": [GOOD, {**GOOD, "visits": "x"}]}), JSON, 1, "visits"),
        (json.dumps({"records": [GOOD, {**GOOD, "visit": 1}]}), JSON, 1, "visit"),
        (f"{json.dumps(GOOD)}\n{{\n", LINES, 1, None),
        (f"{json.dumps(GOOD)}\n3\n", LINES, 1, None),
        (f"{HEADER}\n1.5,3,true,north\n1.5,1_000,true,north\n", CSV, 1, "visits"),
        (f"{HEADER}\n1.5,3,true,north\n1.5\n", CSV, 1, "data"),
        ("1.5,3,true,north\n", CSV, None, "header"),
        ("1.5,3,true\n", "text/csv; header=absent", 0, "data"),
        ("", LINES, None, None),
        ("\n", "text/csv; header=absent", None, None),
    ],
)
def test_a_refusal_names_the_row(app: Application, body: str, kind: str, row: int | None, field: str | None) -> None:
    answer = send(app, body, kind)
    error = answer.json()["error"]
    assert (answer.status, error["row"], error["field"]) == (400, row, field)


def test_every_answer_says_which_model_which_version_and_which_request_it_was(app: Application) -> None:
    for answer in (post(app, GOOD), post(app, {}), send(app, "", "text/plain"), send(app, "{}", accept="text/html")):
        said = answer.json()
        uuid.UUID(said["request_id"])
        assert (said["model"], said["version"]) == ("example", "7")
        assert answer.headers["X-Request-Id"] == said["request_id"]
        attributes = answer.headers["X-Amzn-SageMaker-Custom-Attributes"]
        assert attributes == f"model=example;version=7;request-id={said['request_id']}"
    assert post(app, GOOD).headers["X-Request-Id"] != post(app, GOOD).headers["X-Request-Id"]


@pytest.mark.parametrize("name", ["HTTP_X_REQUEST_ID", "HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID"])
def test_the_clients_own_id_is_kept(app: Application, name: str) -> None:
    assert send(app, json.dumps(GOOD), **{name: "mine/1"}).headers["X-Request-Id"] == "mine/1"


@pytest.mark.parametrize("given_id", ["", "a b", "x" * 65, "a\r\nX-Evil: 1", "ä"])
def test_an_id_that_no_header_should_hold_is_replaced(app: Application, given_id: str) -> None:
    uuid.UUID(send(app, json.dumps(GOOD), HTTP_X_REQUEST_ID=given_id).headers["X-Request-Id"])


class Overflowing(Session):
    """A linear model may multiply 1e38 by 1e10."""

    def __init__(self) -> None:
        pass

    def run(self, columns: Columns) -> Scores:
        return np.array([[0.5, 0.5], [np.inf, 0.5]])


def test_values_that_overflow_within_the_model_are_refused_with_their_row(app: Application) -> None:
    answer = post(Application(Artefact(app.artefact.manifest, Overflowing()), "1"), {"records": [GOOD, GOOD]})
    assert (answer.status, answer.json()["error"]["row"]) == (400, 1)


# ------------------------------------------------------------ as in training


def learnt(contract: Contract, name: str) -> tuple[Any, bytes]:
    """One of the default estimators, and its ONNX form."""
    rows = generate.table(contract, rows=200)
    frame = pd.DataFrame(dict(features.columns(rows, contract)))
    names = [feature.name for feature in features.features(contract)]
    estimator = fitting.prepare(defaults.candidates(contract, {}, [])[name], names, 0)
    classes = features.labels(rows, contract)
    estimator.fit(frame, features.truth(rows, contract, classes))
    return estimator, convert.convert(estimator, features.features(contract), contract.task)


@pytest.fixture(scope="module", params=sorted(defaults.candidates(CONTRACT, {}, [])))
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    estimator, onnx = learnt(CONTRACT, request.param)
    return estimator, open_session(onnx)


CELLS: Final = st.fixed_dictionaries(
    {
        "amount in €": st.none() | st.floats(-5, 5, width=32),
        "visits": st.integers(0, 40),
        "member": st.none() | st.booleans(),
        "region": st.none() | st.sampled_from(["north", "south", "west"]) | st.text(max_size=4),
    }
)


def manifest() -> Manifest:
    known = dict.fromkeys(Manifest.__dataclass_fields__, "")
    seen = {"features": features.features(CONTRACT), "columns": (), "missing": CONTRACT.missing}
    return Manifest(**{**known, **seen})  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(sent=st.lists(CELLS, min_size=1, max_size=5))
def test_new_categories_and_missing_values_are_taken_as_the_estimator_takes_them(
    both: tuple[Any, Any], sent: list[dict[str, Any]]
) -> None:
    estimator, session = both
    read_back = records(json.dumps({"records": sent}).encode(), Form(JSON), manifest())
    seen = columns(read_back, manifest())
    np.testing.assert_allclose(
        session.run(seen), convert.expected(estimator, pd.DataFrame(dict(seen))), atol=convert.TOLERANCE
    )


def test_a_row_is_to_a_request_what_it_is_to_training() -> None:
    rows = generate.table(CONTRACT, rows=50)
    trained = features.columns(rows, CONTRACT)
    asked = columns([{name: row[name] for name in GOOD} for row in rows.to_pylist()], manifest())
    for name, values in trained.items():
        np.testing.assert_array_equal(asked[name], values)
