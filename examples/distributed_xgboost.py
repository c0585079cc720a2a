"""Train XGBoost on all hosts of a training job together, and leave one model, in its own form and as ONNX.

For the official image sagemaker-xgboost:3.0-5 (Python 3.10), started by a ContainerEntrypoint: channel `train` holds
CSV files without a header, the target first, `ShardedByS3Key`. On one host it is the same program without a tracker.
The image lacks onnxmltools: where that is not there, the model is left as XGBoost's JSON only.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from xgboost import collective
from xgboost.tracker import RabitTracker

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
PORT = 9099
RETRIES = 10  # of a host that is there before the tracker, with longer and longer pauses
LEAVING_SECONDS = 60
USUAL = {
    "objective": "binary:logistic",
    "base_score": 0.5,
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.2,
    "seed": 0,
    "nthread": 1,
}


def main() -> None:
    """Every host learns from its own rows; the first one keeps the model."""
    cluster = json.loads((BASE / "input/config/resourceconfig.json").read_text())
    told = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    host, hosts = cluster["current_host"], sorted(cluster["hosts"])
    files = sorted((BASE / "input/data/train").rglob("*.csv"))
    rows = np.concatenate([np.loadtxt(file, delimiter=",", ndmin=2) for file in files])
    print(f"{host} learns from {len(rows)} rows")
    with joined(host, hosts, int(told.get("port", PORT))):
        data = xgboost.DMatrix(rows[:, 1:], rows[:, 0])
        model = xgboost.train(USUAL, data, int(told.get("rounds", 50)))
    if host == hosts[0]:
        keep(model, BASE / "model", rows.shape[1] - 1)


@contextmanager
def joined(host: str, hosts: list[str], port: int) -> Iterator[None]:
    """The collective of all hosts; the first one counts them in, for as long as they work."""
    if len(hosts) == 1:
        yield
        return
    tracker = RabitTracker(len(hosts), address(host), port, sortby="task") if host == hosts[0] else None
    if tracker:
        tracker.start()
    place = {"dmlc_tracker_uri": address(hosts[0]), "dmlc_tracker_port": port, "dmlc_task_id": str(hosts.index(host))}
    with collective.CommunicatorContext(**place, dmlc_retry=RETRIES):
        yield
    if tracker:
        tracker.wait_for(LEAVING_SECONDS)


def address(host: str) -> str:
    """Of a host by its name, as soon as there is one."""
    while True:
        try:
            return socket.gethostbyname(host)
        except OSError:
            time.sleep(1)


def keep(model: Any, folder: Path, features: int) -> None:
    """XGBoost's own JSON, and ONNX with one input of all features."""
    model.save_model(folder / "xgboost.json")
    try:
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType
    except ImportError:
        print("onnxmltools is not there: the model is left as XGBoost's JSON only")
        return
    made = convert_xgboost(model, initial_types=[("features", FloatTensorType([None, features]))], target_opset=15)
    (folder / "model.onnx").write_bytes(made.SerializeToString())


if __name__ == "__main__":
    main()
