"""The job that judges what no function holds: real bundles, the environment of the image, the verdict of a function."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra import bundles
from retide.data import judge
from retide.domain import judging
from retide.domain.context import Context
from retide.domain.judging import Terms
from scripts.jobs import Jobs, Outcome
from tests.training.container import ROOT, code_files
from tests.unit.data.tables import contract, csv_text, rows

CHURN = contract()
GOOD = csv_text(rows(40)).encode()
BAD = GOOD.replace(b"basic", b"golden", 1)


@pytest.fixture(scope="session")
def data_libs() -> Path:
    return bundles.lay(ROOT).data_layer


@dataclass
class JudgingContainer:
    """One folder in place of /opt/ml, with an object and the terms that it is judged by."""

    base: Path
    libs: Path

    def judge(self, data: bytes, sha256: str | None = None) -> Outcome:
        jobs = Jobs(self.base, CHURN.model, code_files(CHURN, None), self.libs)
        jobs.channels["validate"] = self.base / "processing/input"
        given = self.base / "processing/input/object"
        given.mkdir()
        (given / judging.DATA).write_bytes(data)
        terms = Terms(sha256, Context(arrived=datetime(2026, 2, 1, tzinfo=UTC)))
        (given / judging.TERMS).write_text(json.dumps(terms.to_dict()))
        reason = self.base / "output/message"
        return jobs.run("validate", reason, RETIDE_MODEL=CHURN.model, RETIDE_OBJECT="o" * 32)

    def left(self, name: str) -> Path:
        return self.base / "processing/output/judged" / name


@pytest.fixture
def container(tmp_path: Path, data_libs: Path) -> JudgingContainer:
    return JudgingContainer(tmp_path / "ml", data_libs)


def test_a_job_comes_to_the_verdict_of_a_function_and_leaves_the_same_rows(
    container: JudgingContainer, tmp_path: Path
) -> None:
    ended = container.judge(GOOD)
    assert (ended.code, ended.reason) == (0, ""), ended.log
    (tmp_path / "good.csv").write_bytes(GOOD)
    wanted = judge(tmp_path / "good.csv", CHURN, keep=tmp_path / "rows.parquet")
    found = json.loads(container.left(judging.VERDICT).read_text())
    assert (found["accepted"], found["rows"], found["curated"]) == (True, 40, wanted.curated)
    assert hashlib.sha256(container.left(judging.ROWS).read_bytes()).hexdigest() == wanted.curated


def test_a_refused_object_is_a_verdict_and_no_failure_of_the_job(container: JudgingContainer) -> None:
    ended = container.judge(BAD)
    assert ended.code == 0, ended.log
    found = json.loads(container.left(judging.VERDICT).read_text())
    assert not found["accepted"]
    assert "golden" in str(found["findings"])
    assert not container.left(judging.ROWS).exists()


def test_an_object_that_its_manifest_lists_otherwise_is_refused_by_a_job_too(container: JudgingContainer) -> None:
    assert container.judge(GOOD, sha256="0" * 64).code == 0
    (finding,) = json.loads(container.left(judging.VERDICT).read_text())["findings"]
    assert finding["rule"] == "manifest"


def test_a_job_without_its_terms_says_which_file_it_lacks(container: JudgingContainer) -> None:
    jobs = Jobs(container.base, CHURN.model, code_files(CHURN, None), container.libs)
    jobs.channels["validate"] = container.base / "processing/input"
    ended = jobs.run("validate", container.base / "output/message", RETIDE_MODEL=CHURN.model, RETIDE_OBJECT="o" * 32)
    assert ended.code == 1
    assert "processing/input/object/terms.json cannot be read" in ended.reason
