"""Batches of lines of which some are wrong: every line is answered in its own place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.serving import GOOD, LINES, model_folder, send
from training.server.application import Application
from training.server.artefact import Artefact

WRONG = {**GOOD, "visits": "many"}


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return Artefact.load(model_folder(tmp_path_factory.mktemp("batch")))


@settings(max_examples=20, deadline=None)
@given(good=st.lists(st.booleans(), min_size=1, max_size=17))
def test_each_line_has_its_answer_or_its_reason_in_its_own_place(artefact: Artefact, good: list[bool]) -> None:
    app = Application(artefact, "7", row_errors=True)
    body = "\n".join(json.dumps(GOOD if fine else WRONG) for fine in good)

    answer = send(app, body, LINES, LINES)

    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert answer.status == 200
    assert ["error" not in line for line in lines] == good
    for line in lines:
        if "error" in line:
            assert (line["error"]["field"], line["error"]["value"]) == ("visits", "many")
            assert line["error"]["reason"] == "must be a number"


def test_a_line_that_is_no_record_is_told_as_well(artefact: Artefact) -> None:
    app = Application(artefact, "7", row_errors=True)

    answer = send(app, f"nonsense\n{json.dumps(GOOD)}\n", LINES, LINES)

    first, second = (json.loads(line) for line in answer.body.splitlines())
    assert "is not JSON" in first["error"]["reason"]
    assert "label" in second


def test_an_endpoint_refuses_the_whole_request_as_before(artefact: Artefact) -> None:
    answer = send(Application(artefact, "7"), f"{json.dumps(GOOD)}\n{json.dumps(WRONG)}", LINES, LINES)

    assert answer.status == 400
    assert answer.json()["error"]["row"] == 1


def test_the_batch_switch_is_in_the_environment_of_the_job() -> None:
    text = (Path(__file__).parents[2] / "infra/workflows/batch.asl.json").read_text()
    assert '"RETIDE_ROW_ERRORS": "true"' in text
