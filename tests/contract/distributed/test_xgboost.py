"""XGBoost's own distributed mode, on hosts of the local cloud: one model of all rows, and the same as ONNX."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from retide.local.cloud import LocalCloud
from tests.contract.local_sagemaker.bench import BUCKET, ROOT, Bench, channel, training_request
from tests.contract.local_sagemaker.test_several_hosts import free_port

PYTHON: Final = ROOT / ".venv-xgboost/bin/python"
IMAGE: Final = "sagemaker-xgboost:3.0-5"
SCRIPT: Final = ROOT / "examples/distributed_xgboost.py"
FILES: Final = 4
COMPARED: Final = """
import json, sys
import numpy as np, onnxruntime, xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

rows, truth = load_breast_cancer(return_X_y=True)
rows = rows.astype(np.float32)
models = [xgboost.Booster(model_file=f"{folder}/xgboost.json") for folder in sys.argv[1:]]
cluster, alone = (model.predict(xgboost.DMatrix(rows)) for model in models)
session = onnxruntime.InferenceSession(f"{sys.argv[1]}/model.onnx", providers=["CPUExecutionProvider"])
served = session.run(None, {"features": rows})[1][:, 1]
seen = json.loads(open(f"{sys.argv[1]}/xgboost.json").read())["learner"]["gradient_booster"]["model"]["trees"][0]
print(json.dumps({
    "rows": float(seen["sum_hessian"][0]) / 0.25,  # of a first tree that starts at a probability of a half
    "auc": roc_auc_score(truth, cluster),
    "alone": roc_auc_score(truth, alone),
    "parity": float(np.abs(served - cluster).max()),
}))
"""
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="XGBoost is not installed: `make test-xgboost` installs it")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = tmp_path_factory.mktemp("distributed") / "cloud"
    cloud = LocalCloud(home, {IMAGE: PYTHON}, wait_scale=0.0, bound=True)
    bench = Bench(home, cloud.start())
    bench.s3.create_bucket(Bucket=BUCKET)
    bench.put("code/boost.py", SCRIPT.read_bytes())
    for name, text in shards().items():
        bench.put(f"rows/{name}.csv", text)
    yield bench
    cloud.stop()


def shards() -> dict[str, bytes]:
    """scikit-learn's tumours in four files, the target first."""
    from sklearn.datasets import load_breast_cancer

    rows, truth = load_breast_cancer(return_X_y=True)
    lines = [",".join(f"{value:g}" for value in (label, *row)) for label, row in zip(truth, rows, strict=True)]
    return {f"part-{part}": "\n".join(lines[part::FILES]).encode() for part in range(FILES)}


def trained(bench: Bench, name: str, hosts: int, folder: Path) -> Path:
    """The files of a model that so many hosts made together."""
    rows: Any = channel("train", f"s3://{BUCKET}/rows/")
    rows["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    request = training_request(name, InputDataConfig=[channel("code", f"s3://{BUCKET}/code/"), rows])
    request["AlgorithmSpecification"] = {
        "TrainingImage": f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{IMAGE}",
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/boost.py"],
    }
    request["ResourceConfig"]["InstanceCount"] = hosts
    request["HyperParameters"] = {"port": free_port(), "rounds": "20"}
    bench.sagemaker.create_training_job(**request)
    job = bench.trained(name)
    assert job["TrainingJobStatus"] == "Completed", (job["FailureReason"], bench.log("training", name))
    archive = folder / f"{name}.tar.gz"
    archive.write_bytes(bench.get(f"out/{name}/output/model.tar.gz"))
    subprocess.run(["tar", "-xzf", archive, "--one-top-level"], cwd=folder, check=True)
    return folder / name


def test_two_hosts_make_one_model_of_all_rows_and_its_onnx_form_predicts_the_same(bench: Bench, tmp_path: Path) -> None:
    together, alone = (trained(bench, f"boost-{hosts}", hosts, tmp_path) for hosts in (2, 1))

    logs = [(bench.home / f"sagemaker/training/boost-2/{name}").read_text() for name in ("log.txt", "log-2.txt")]
    assert ["algo-1 learns from 285 rows" in logs[0], "algo-2 learns from 284 rows" in logs[1]] == [True, True], logs
    done = subprocess.run([PYTHON, "-c", COMPARED, together, alone], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["rows"] == pytest.approx(569, abs=0.5)
    assert found["auc"] == pytest.approx(found["alone"], abs=0.005)
    assert found["auc"] > 0.99
    assert found["parity"] < 1e-4
