"""What `retide batch` reaches on AWS: files go up or across, the machine is started, what comes of it comes down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from retide.aws.clients import Clients
from retide.cli.commands import batch
from retide.cli.failures import CliError
from retide.cli.stage import Stage
from retide.cli.target import Target
from retide.domain.batch import Places
from retide.domain.ledger import BatchRecord
from tests.contract.aws.conftest import BUCKET, TABLE, make_bucket, make_table

PLACES: Final = Places("m", "b1")
DONE: Final = BatchRecord("b1", 3, "arn", "2026", "predicted in part", "predicted 7 of 14 rows", 1, 0, 14, 7, 7)


@pytest.fixture
def stage(clients: Clients) -> Stage:
    make_bucket(clients)
    make_table(clients)
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    machine = clients.states.create_state_machine(
        name="batch", definition=definition, roleArn="arn:aws:iam::123456789012:role/r"
    )
    opened = Stage(Target("dev", None))
    outputs = {"DataBucket": BUCKET, "LedgerTable": TABLE, "BatchMachineArn": machine["stateMachineArn"]}
    opened.__dict__["outputs"] = outputs  # as CloudFormation would tell them
    return opened


def test_a_folder_is_sent_and_the_machine_is_told_of_it(stage: Stage, clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.csv").write_text("x\n1\n")

    batch.send(stage, tuple(batch.found(stage, str(tmp_path))), PLACES)
    execution = batch.start(stage, PLACES)

    assert stage.objects.get(PLACES.input("deep/a.csv")) == b"x\n1\n"
    assert json.loads(stage.objects.get(PLACES.files)) == ["deep/a.csv"]
    described = clients.states.describe_execution(executionArn=execution)
    told = json.loads(described["input"])
    assert described["name"] == "m-b1"
    assert (told["model"], told["batch"], told["plan"], told["end"]["tally"]["rows"]) == ("m", "b1", {"cursor": 0}, 0)


def test_files_of_a_prefix_are_copied_from_bucket_to_bucket(stage: Stage, clients: Clients) -> None:
    clients.s3.create_bucket(Bucket="theirs")
    for key in ("in/a.csv", "in/deep/b.jsonl", "in/notes.txt", "other/c.csv"):
        clients.s3.put_object(Bucket="theirs", Key=key, Body=key.encode())

    files = tuple(batch.found(stage, "s3://theirs/in/"))
    batch.send(stage, files, PLACES)

    assert [file.name for file in files] == ["a.csv", "deep/b.jsonl"]
    assert stage.objects.get(PLACES.input("deep/b.jsonl")) == b"in/deep/b.jsonl"
    with pytest.raises(CliError, match="there is no file in s3://theirs/nothing/"):
        list(batch.found(stage, "s3://theirs/nothing/"))


def finish(stage: Stage) -> None:
    trouble = {"key": {"id": "A"}, "field": "x", "value": "odd", "reason": "must be a number"}
    lines = "".join(f"{json.dumps({'row': row, **trouble})}\n" for row in range(1, 8))
    stage.objects.put(PLACES.bad_rows("a.csv", 0), lines.encode())
    stage.objects.put(PLACES.predictions("a.csv", 0), b"{}\n")
    problems = [{"file": "w.csv", "problem": "is empty", "ignored_columns": []}]
    stage.objects.put(PLACES.report, json.dumps({"problems": problems}).encode())
    stage.ledger.end_batch("m", DONE)


def test_what_came_of_it_is_saved_in_a_folder_and_told(stage: Stage, tmp_path: Path) -> None:
    finish(stage)

    saved = batch.save(stage, PLACES, str(tmp_path / "out"))
    said = list(batch.told(stage, PLACES, "out", saved))

    assert (tmp_path / "out/predictions/a.csv.0000.jsonl").read_bytes() == b"{}\n"
    assert (tmp_path / "out/report.json").is_file()
    assert said[:2] == ["w.csv: is empty", "a.csv: row 1 (id A): x = 'odd': must be a number"]
    assert said[6:] == [
        "… and 2 bad rows more under bad_rows/",
        "predicted 7 of 14 rows",
        "3 files under out: predictions/, bad_rows/ and report.json",
    ]


def test_what_came_of_it_is_copied_to_a_prefix(stage: Stage, clients: Clients) -> None:
    clients.s3.create_bucket(Bucket="theirs")
    finish(stage)

    batch.save(stage, PLACES, "s3://theirs/there")

    keys = {item["Key"] for item in clients.s3.list_objects_v2(Bucket="theirs")["Contents"]}
    assert keys == {"there/predictions/a.csv.0000.jsonl", "there/bad_rows/a.csv.0000.jsonl", "there/report.json"}


def test_the_first_record_of_a_batch_stays_until_its_end(stage: Stage) -> None:
    begun = BatchRecord("b1", 3, "arn", "2026-01-01")

    assert stage.ledger.begin_batch("m", begun) == begun
    assert stage.ledger.begin_batch("m", replace(begun, version=4)) == begun
    stage.ledger.end_batch("m", DONE)
    assert stage.ledger.batch_records("m") == (DONE,)
