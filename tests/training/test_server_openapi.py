"""The OpenAPI document is what the server does: what it allows is answered, what it forbids is refused, as it says."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jsonschema
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.client import Client, Http, Record, Refused, SageMaker
from retide.contracts import MODELS, load
from retide.domain.openapi import document
from tests.training.container import ROOT
from tests.training.serving import CONTRACT, CSV, GOOD, JSON, LINES, Answer, model_folder, send
from training.server.application import Application
from training.server.artefact import Artefact

DOCUMENT: Final = document(CONTRACT)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Application:
    return Application(Artefact.load(model_folder(tmp_path_factory.mktemp("model"))), "7")


def validator(name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(schema)


REQUEST: Final = validator("Request")
SAID: Final = {
    200: validator("Answer"),
    400: validator("Refusal"),
    406: validator("Refusal"),
    415: validator("Refusal"),
}


def test_its_schemas_are_schemas_and_every_reference_leads_somewhere() -> None:
    for model in ("tumour", "diabetes"):
        made = document(load(ROOT / MODELS / model))
        schemas = made["components"]["schemas"]
        for schema in schemas.values():
            jsonschema.Draft202012Validator.check_schema(schema)
        assert set(references(made)) <= {f"#/components/schemas/{name}" for name in schemas}
        assert made["openapi"] == "3.1.0"
        json.dumps(made, allow_nan=False)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def checked(answer: Answer) -> int:
    """The status, once the body and the headers are what the document says of it."""
    assert str(answer.status) in DOCUMENT["paths"]["/invocations"]["post"]["responses"], answer.body
    SAID[answer.status].validate(answer.json())
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    return answer.status


WRONG: Final = st.one_of(
    st.none(), st.booleans(), st.just("x"), st.just(0.5), st.just(1e39), st.just(-1e39), st.just([]), st.integers(-9, 9)
)
RIGHT: Final = {
    "amount in €": st.none() | st.floats(-5, 5) | st.integers(-5, 5),
    "visits": st.integers(-40, 40) | st.just(3.0),
    "member": st.none() | st.booleans(),
    "region": st.none() | st.text(max_size=5),
    "id": st.none() | st.integers() | st.text(max_size=3),
}
NAMES: Final = [*RIGHT, "records", "unknown"]
VALUES: Final = {name: RIGHT.get(name, WRONG) for name in NAMES}
RECORD: Final = st.fixed_dictionaries(
    {"visits": RIGHT["visits"]}, optional={n: RIGHT[n] for n in RIGHT if n != "visits"}
)
SPOILT: Final = st.fixed_dictionaries({}, optional={name: VALUES[name] | WRONG for name in NAMES})
POSITIONS: Final = st.tuples(*(RIGHT[name] for name in GOOD)).map(list) | st.lists(WRONG, max_size=5)
ANY: Final = RECORD | SPOILT
DOCUMENTS: Final = st.one_of(
    ANY,
    st.fixed_dictionaries({"records": st.lists(ANY, max_size=3)}),
    st.fixed_dictionaries({"instances": st.lists(ANY | POSITIONS, max_size=3)}),
    st.fixed_dictionaries({"records": st.lists(RECORD, max_size=3)}, optional={"x": st.just(1)}),
    st.lists(RECORD, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(sent=DOCUMENTS)
def test_the_document_allows_what_is_answered_and_forbids_what_is_refused(app: Application, sent: Any) -> None:
    assert (checked(send(app, json.dumps(sent))) == 200) == REQUEST.is_valid(sent)


@pytest.mark.nightly
@settings(max_examples=20_000, deadline=None)
@given(sent=DOCUMENTS)
def test_the_document_and_the_server_agree_all_night(app: Application, sent: Any) -> None:
    assert (checked(send(app, json.dumps(sent))) == 200) == REQUEST.is_valid(sent)


# ------------------------------------------------------------ whatever is sent

SEEDS: Final = [
    json.dumps({"records": [GOOD, {"visits": 3}]}).encode(),
    json.dumps({"columns": list(GOOD), "data": [list(GOOD.values())]}).encode(),
    json.dumps({"instances": [list(GOOD.values())]}).encode(),
    b'{"visits": 3}\n{"visits": 4, "region": "\\ud83d\\ude00"}\n',
    f'{",".join(GOOD)}\n1.5,3,true,north\n"a""b",1e400,?,\n'.encode(),
]
KINDS: Final = st.sampled_from([JSON, LINES, CSV, "text/csv; header=absent", "text/csv;charset=utf8", "a/b", "", ";;"])
WISHES: Final = st.sampled_from(
    ["", JSON, LINES, CSV, "*/*;q=0", "text/*, */*;q=0.1", ",;=", "text/csv; header=absent"]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Bytes of any kind, or a good request in which some were cut out, put in or changed."""
    body = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 6)))
        body[start:end] = draw(
            st.binary(max_size=6) | st.sampled_from([b'"', b"[", b"{", b"1e999", b"\\ud800", b"\0", b"\n"])
        )
    return draw(st.just(bytes(body)) | st.binary(max_size=80))


def answered(app: Application, body: bytes, kind: str, wish: str) -> None:
    before = sys.stderr
    answer = send(app, body, kind, wish)
    assert answer.status < 500, (body, kind, answer.body)
    assert sys.stderr is before
    if answer.status == 200 and answer.headers["Content-Type"] != JSON:
        assert answer.body.strip()
    else:
        checked(answer)


@settings(max_examples=400, deadline=None)
@given(body=bodies(), kind=KINDS, wish=WISHES)
def test_no_bytes_are_an_accident(app: Application, body: bytes, kind: str, wish: str) -> None:
    answered(app, body, kind, wish)


@pytest.mark.nightly
@settings(max_examples=50_000, deadline=None)
@given(body=bodies(), kind=KINDS, wish=WISHES)
def test_no_bytes_are_an_accident_all_night(app: Application, body: bytes, kind: str, wish: str) -> None:
    answered(app, body, kind, wish)


# ------------------------------------------------------------ the client to copy


KNOWN: Final[Record] = {"amount in €": 1.5, "visits": 3, "member": True, "region": "north"}


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name in the standard library
        pass


@pytest.fixture(scope="module")
def address(app: Application) -> Iterator[str]:
    def serve(environ: Any, start_response: Any) -> Any:
        return app(environ, start_response)

    with make_server("127.0.0.1", 0, serve, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Runtime:
    """InvokeEndpoint over the server's own application, with refusals as SageMaker hands them on."""

    class exceptions:  # noqa: N801 - as boto3's client has it
        ModelError = ClientError

    def __init__(self, app: Application) -> None:
        self._app = app

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        answer = send(
            self._app,
            request["Body"],
            request["ContentType"],
            request["Accept"],
            HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID=request["InferenceId"],
        )
        if answer.status != 200:
            told: Any = {"OriginalStatusCode": answer.status, "OriginalMessage": answer.body.decode()}
            raise ClientError(told, "InvokeEndpoint")
        return {"Body": io.BytesIO(answer.body)}


@pytest.fixture(params=["http", "sagemaker"])
def client(request: pytest.FixtureRequest, app: Application, address: str) -> Client:
    return Client(Http(address) if request.param == "http" else SageMaker(Runtime(app), "retide-dev-example"))


def test_the_client_gets_predictions_with_their_version(client: Client) -> None:
    answer = client.predict([KNOWN, {"visits": 3}], "call-1")
    assert (answer.model, answer.version, answer.request_id) == ("example", "7", "call-1")
    assert [prediction["label"] in ("no", "yes") for prediction in answer.predictions] == [True, True]


def test_the_client_raises_what_is_wrong_with_which_value_where(client: Client) -> None:
    with pytest.raises(Refused, match=r"visits in row 1 must be a number \(status 400\)") as refused:
        client.predict([KNOWN, {"visits": "many"}])
    assert (refused.value.field, refused.value.value, refused.value.row) == ("visits", "many", 1)
