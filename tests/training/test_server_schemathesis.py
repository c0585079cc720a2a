"""Schemathesis against the real server and the document that is published of it: what it sends is right, and wrong."""

from __future__ import annotations

from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode, SerializationContext
from schemathesis.checks import CHECKS

from retide.domain.openapi import document
from tests.training.serving import CONTRACT, CSV, JSON, LINES, model_folder
from training.server.application import Application
from training.server.artefact import Artefact

PREDICT: Final = schemathesis.openapi.from_dict(document(CONTRACT))["/invocations"]["POST"]
RIGHT: Final = PREDICT.as_strategy(generation_mode=GenerationMode.POSITIVE)
WRONG: Final = PREDICT.as_strategy(generation_mode=GenerationMode.NEGATIVE)
OF_CONTENT: Final[list[Any]] = [
    CHECKS.get_one(name) for name in ("positive_data_acceptance", "negative_data_rejection")
]
SLOW: Final = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@schemathesis.serializer(CSV, LINES)
def as_it_is(_context: SerializationContext, value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Application:
    return Application(Artefact.load(model_folder(tmp_path_factory.mktemp("model"))), "7")


def sent(app: Application, case: Case[Any]) -> None:
    """Every check of Schemathesis: no 5XX; status, headers and body are those that the document names.

    And what the document allows is answered, what it forbids refused, where a schema can tell: that is not so of texts,
    nor of a table, whose values belong to columns that it names itself.
    """

    def wsgi(environ: Any, start_response: Any) -> Any:
        return app(environ, start_response)

    answer = case.call(app=wsgi, base_url="http://127.0.0.1")
    is_told = case.media_type == JSON and not (isinstance(case.body, dict) and "columns" in case.body)
    case.validate_response(answer, excluded_checks=None if is_told else OF_CONTENT)


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(case=RIGHT | WRONG)
def test_schemathesis_finds_nothing(app: Application, case: Case[Any]) -> None:
    sent(app, case)


@pytest.mark.nightly
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("mode", ["right", "wrong"])
def test_schemathesis_finds_nothing_all_night(app: Application, mode: str) -> None:
    @settings(max_examples=1_000, deadline=None, suppress_health_check=SLOW)
    @given(case={"right": RIGHT, "wrong": WRONG}[mode])
    def all_of(case: Case[Any]) -> None:
        sent(app, case)

    all_of()
