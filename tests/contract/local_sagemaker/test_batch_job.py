"""The batch machine's own job, with the real server and the real steps around it: from files to predictions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from infra.workflows import Workflow
from retide.aws.objects import S3Objects
from retide.domain.batch import Places
from retide.domain.ledger import Champion, Release
from retide.ledger import Ledger
from retide.local.interfaces import Json
from retide.ports import EndpointState
from retide.steps.finish_batch import FinishBatchRequest, Tally, finish_batch
from retide.steps.prepare_batch import BatchPreparation, PrepareBatchRequest, prepare_batch
from tests.contract.local_sagemaker.bench import BUCKET, IMAGE, ROLE, ROOT, Bench
from tests.contract.local_sagemaker.test_tasks import finish
from tests.fakes import FakeClock, FakeEndpoints, FakeTable
from tests.training.serving import CONTRACT, model_folder
from training.server import integrity

MODEL: Final = CONTRACT.model
CONFIG: Final = f"retide-dev-{MODEL}-v1-real"
PLACES: Final = Places(MODEL, "b1")
ROWS: Final = "amount in €,visits,member,region\n1.5,3,true,north\n2.5,many,true,north\n,4,0,south\n"


@pytest.fixture(scope="module")
def model(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of a few rows, packed as the training job packs it."""
    folder = tmp_path_factory.mktemp("real")
    model_folder(folder)
    archived = tmp_path_factory.mktemp("packed")
    shutil.copytree(folder / "model", archived / "model")
    shutil.copytree(ROOT / "training/server", archived / "code/server", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "build/packages/libs/runtime", archived / "code", dirs_exist_ok=True)
    packed = shutil.make_archive(str(folder / "packed"), "gztar", archived)
    bench.put("models/real.tar.gz", Path(packed).read_bytes())
    variables = {
        "SAGEMAKER_SERVING_MODULE": "server.wsgi:app",
        "PYTHONPATH": "/opt/ml/model/code",
        integrity.VARIABLE: integrity.digest(archived),
    }
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/models/real.tar.gz", "Environment": variables}
    bench.sagemaker.create_model(ModelName=CONFIG, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return CONFIG


@pytest.fixture
def ledger(model: str) -> Ledger:
    ledger = Ledger(FakeTable(), FakeClock())
    fence = ledger.take_endpoint(MODEL, ledger.endpoint(MODEL), "rollout")
    release = Release(1, 1, "arn", "promoted", "", "2026-01-01", model)
    ledger.promote(
        MODEL, fence or 0, release, Champion("arn", 1, "job", "dataset", "code", "contract", "run"), "retide-dev-m"
    )
    return ledger


def predict(bench: Bench, plan: Json) -> Json:
    """Run the machine from its job to the state that calls a function again."""
    states: Json = json.loads(Workflow.load("batch").definition)["States"]
    wanted = (
        "Predict",
        "Adopt transform job",
        "Transform job ended?",
        "Wait for transform job",
        "Transform job failed",
    )
    ends = ("Finish batch", "Finish failed batch")
    kept = {name: states[name] for name in wanted}
    kept |= {name: {"Type": "Pass", "Result": name, "ResultPath": "$.reached", "End": True} for name in ends}
    definition = json.dumps({"StartAt": "Predict", "States": kept})
    machine = bench.states.create_state_machine(name="batch-job", definition=definition, roleArn=ROLE)
    begun = bench.states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps({"plan": plan}))
    output: Json = json.loads(finish(bench, begun["executionArn"])["output"])
    return output


@pytest.mark.nightly
def test_the_served_model_predicts_a_file_and_every_row_keeps_its_place(bench: Bench, ledger: Ledger) -> None:
    clock: Any = FakeClock()
    objects = S3Objects(bench.s3, BUCKET)
    objects.put(PLACES.input("rows.csv"), ROWS.encode())
    objects.put(PLACES.files, b'["rows.csv"]')
    endpoints = FakeEndpoints({f"retide-dev-{MODEL}": EndpointState("InService", CONFIG)})
    parts = BatchPreparation(ledger, objects, endpoints, clock, CONTRACT, "dev")

    plan = prepare_batch(PrepareBatchRequest(MODEL, "b1", "arn:batch", 0), parts)
    reached = predict(bench, {name: getattr(plan, name) for name in ("job", "name", "records_uri", "answers_uri")})
    request = FinishBatchRequest(MODEL, "b1", plan.outcome, plan.reason, Tally())
    end = finish_batch(request, ledger=ledger, objects=objects, clock=clock)

    assert reached["reached"] == "Finish batch", bench.log("transform", plan.job)
    predictions = [json.loads(line) for line in objects.get(PLACES.predictions("rows.csv", 0)).splitlines()]
    bad = [json.loads(line) for line in objects.get(PLACES.bad_rows("rows.csv", 0)).splitlines()]
    told = {line["row"]: (line["field"], line["value"], line["reason"]) for line in bad}
    assert {line["row"] for line in predictions} | set(told) == {1, 2, 3}
    assert predictions[0]["prediction"]["label"] in ("no", "yes")
    assert told[2] == ("visits", "many", "must be a number")
    assert (end.tally.rows, end.tally.predicted + end.tally.bad) == (3, 3)
