"""Each job leaves what it promises, and the next one reads it: the real jobs, in the jobs' own environment."""

import hashlib
import io
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from infra import bundles
from retide.domain import evaluation, gate
from retide.domain.artefact import inspect
from retide.domain.case import Case
from retide.domain.contract import Contract
from retide.domain.evaluation import Evaluation, GoldenSet
from scripts.jobs import ROOT, Jobs
from tests.models.subjects import Subject, dataset
from training import data, features, train
from training.server.application import Application
from training.server.artefact import Artefact, open_session, run
from training.server.manifest import MANIFEST_FILE, ONNX_FILE

DIGEST: Final = "c"


@dataclass(frozen=True, slots=True)
class Produced:
    """What both jobs left for one model, and how they ended."""

    jobs: Jobs
    archive: Path
    evaluation: Evaluation
    golden: GoldenSet

    @property
    def onnx(self) -> bytes:
        return (self.jobs.base / "model/model" / ONNX_FILE).read_bytes()


def files(subject: Subject, contract: Contract) -> dict[str, bytes]:
    """The training asset with this one model in it, wherever its folder lies."""
    known = {contract.model: {"contract": contract.to_dict(), "code_digest": DIGEST}}
    made = dict(bundles.training_files(ROOT, known))
    for file in subject.folder.rglob("*.py"):
        if "__pycache__" not in file.parts:
            made[f"models/{contract.model}/{file.relative_to(subject.folder).as_posix()}"] = file.read_bytes()
    return made


@pytest.fixture(scope="module")
def produced(
    of_folder: Subject, contract: Contract, model: train.Trained, libs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Produced:
    folder = tmp_path_factory.mktemp("jobs")
    jobs = Jobs(folder / "ml", contract.model, files(of_folder, contract), libs)
    jobs.give(dataset(of_folder, contract, folder))
    params = json.dumps(dict(contract.params))
    ended = jobs.train(code_digest=DIGEST, seed=str(contract.training.seed), params=params)
    assert ended.code == 0, ended.reason or ended.log
    archive = jobs.keep_model()
    judged = jobs.evaluate()
    assert judged.code == 0, judged.reason or judged.log
    output = jobs.base / "processing/output/evaluation"
    found = evaluation.read(Evaluation, (output / "evaluation.json").read_bytes(), "evaluation.json")
    golden = evaluation.read(GoldenSet, (output / "golden.json").read_bytes(), "golden.json")
    return Produced(jobs, archive, found, golden)


def test_training_leaves_the_artefact_its_manifest_and_its_server(produced: Produced, contract: Contract) -> None:
    folder = produced.jobs.base / "model"
    artefact = Artefact.load(folder / "model")
    assert {file.name for file in (folder / "model").iterdir()} == {ONNX_FILE, MANIFEST_FILE}
    assert (folder / "code/server/wsgi.py").is_file()
    assert artefact.manifest.model == contract.model
    assert [feature.name for feature in artefact.manifest.features] == [column.name for column in contract.features]
    assert artefact.manifest.contract_digest == contract.digest
    assert artefact.manifest.onnx_sha256 == hashlib.sha256(produced.onnx).hexdigest()


def test_the_job_trains_what_training_in_the_tests_does(
    produced: Produced, contract: Contract, model: train.Trained, part: data.Split
) -> None:
    """The same but for the last digits, which hang on the number of threads: what is tested here holds for the job."""
    columns = features.columns(part.holdout, contract)
    answers = [run(open_session(onnx), columns) for onnx in (model.onnx, produced.onnx)]
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-3, atol=1e-4)


def numbers(value: Any) -> Iterable[float]:
    """Every number of a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield value


def test_evaluation_reads_what_training_left_and_every_figure_is_finite(produced: Produced) -> None:
    with produced.archive.open("rb") as packed:
        assert produced.evaluation.challenger.artefact_digest == inspect(packed).digest
    figures = list(numbers(asdict(produced.evaluation)))
    assert all(math.isfinite(figure) for figure in figures)
    assert produced.evaluation.holdout_rows > 0
    assert produced.evaluation.metric in produced.evaluation.challenger.metrics


def test_the_gate_reads_the_evaluation_and_finds_a_model_to_serve(produced: Produced, contract: Contract) -> None:
    decision = gate.decide(Case(produced.evaluation, contract.metric, contract.drift, contract.budgets))
    found = {finding.rule: finding for finding in decision.findings}
    assert {"floor", "baseline"} <= found.keys()
    assert found["baseline"].passed, str(found["baseline"])


def test_the_server_answers_the_golden_records_as_the_evaluation_wrote_them_down(produced: Produced) -> None:
    application = Application(Artefact.load(produced.jobs.base / "model/model"), "1")
    records = [dict(golden.record) for golden in produced.golden.requests]
    body = json.dumps({"records": records}).encode()
    said: list[str] = []
    request = {
        "PATH_INFO": "/invocations",
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    answer = json.loads(b"".join(application(request, lambda status, _headers: said.append(status))))
    assert said == ["200 OK"], answer
    assert answer["predictions"] == [dict(golden.prediction) for golden in produced.golden.requests]
