"""A trial on a file of one's own: the contract judges it first, and production never sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retide.cli.failures import CliError
from retide.cli.own_data import bring
from retide.cli.stage import Stage
from retide.domain.contract import parse
from retide.domain.experiment import Experiment, evaluation_request, training_request
from tests.unit.cli.test_experiments import TRIAL, WHERE
from tests.unit.steps.world import CONTRACT

CONTRACT_OF_M = parse({**CONTRACT, "policy": {"min_rows": 10}}, "m")
SOUND = "age,ill\n30,no\n" + "".join(f"{age},{'yes' if age % 2 else 'no'}\n" for age in range(40, 50))


class Bucket:
    """A stage's objects, as far as a trial's data is laid there."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    @property
    def objects(self) -> Bucket:
        return self

    def uri(self, key: str) -> str:
        return f"s3://data/{key}"

    def put(self, key: str, data: bytes) -> None:
        self.content[key] = data

    def upload(self, path: Path, key: str) -> None:
        self.content[key] = path.read_bytes()

    def read(self, key: str) -> Any:
        return json.loads(self.content[key])


def brought(bucket: Bucket, *files: Path) -> str:
    stage: Stage = bucket  # type: ignore[assignment] # the part of a stage that is used
    return bring(stage, CONTRACT_OF_M, files)


def file(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_files_that_the_contract_takes_become_a_dataset_under_experiments(tmp_path: Path) -> None:
    bucket = Bucket()
    first, second = file(tmp_path, "a.csv", SOUND), file(tmp_path, "b.csv", SOUND.replace("30", "31"))
    name = brought(bucket, first, second)
    manifest = bucket.read(f"experiments/m/datasets/{name}/manifest.json")
    listed, *names = bucket.read(f"experiments/m/datasets/{name}/files.manifest")
    assert (manifest["dataset"], manifest["rows"]) == (name, 22)
    assert [one["key"] for one in manifest["objects"]] == ["a.csv", "b.csv"]
    assert listed == {"prefix": "s3://data/experiments/m/rows/"}
    assert {f"experiments/m/rows/{one}" for one in names} < bucket.content.keys()
    assert all(key.startswith("experiments/m/") for key in bucket.content)


def test_the_same_rows_twice_count_once(tmp_path: Path) -> None:
    once, twice = Bucket(), Bucket()
    first, again = file(tmp_path, "a.csv", SOUND), file(tmp_path, "b.csv", SOUND)
    assert brought(once, first) == brought(twice, first, again)
    assert once.content.keys() == twice.content.keys()


def test_a_file_that_the_contract_refuses_is_told_why_and_not_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = Bucket()
    wrong = file(tmp_path, "wrong.csv", SOUND.replace("49", "old"))
    with pytest.raises(CliError, match=r"wrong\.csv is refused by m's contract"):
        brought(bucket, file(tmp_path, "a.csv", SOUND), wrong)
    assert bucket.content == {}
    assert "old" in capsys.readouterr().err


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="there is no file"):
        brought(Bucket(), tmp_path / "nowhere.csv")


def sources(trial: Experiment) -> set[str]:
    asked = training_request(trial, CONTRACT_OF_M, WHERE)["InputDataConfig"]
    judged = evaluation_request(trial, WHERE)["ProcessingInputs"]
    return {one["DataSource"]["S3DataSource"]["S3Uri"] for one in asked} | {one["S3Input"]["S3Uri"] for one in judged}


def test_both_jobs_of_such_a_trial_read_its_own_dataset_and_none_of_production() -> None:
    read = sources(replace(TRIAL, files=("a.csv",)))
    assert {"s3://data/experiments/m/datasets/d1/", "s3://data/experiments/m/datasets/d1/files.manifest"} <= read
    assert not [uri for uri in read if uri.startswith("s3://data/datasets/")]
    assert "s3://data/datasets/m/d1/" in sources(TRIAL)
