"""Ours, as a training job leaves it: `python -m benchmarks.serving_peers.ours FOLDER` lays what an archive holds."""

from __future__ import annotations

import compileall
import shutil
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.serving_peers.model import FEATURES, table
from retide.domain.contract import Contract, parse
from training import data, train
from training.settings import Settings

ROOT: Final = Path(__file__).parents[2]
SERVED: Final = "served"
MODEL: Final = """
from sklearn.ensemble import HistGradientBoostingClassifier

def build(_contract, _params):
    return HistGradientBoostingClassifier(max_iter=100, random_state=0)
"""


def contract() -> Contract:
    columns = {name: {"type": "float"} for name in FEATURES}
    target = {"y": {"type": "category", "values": ["no", "yes"]}}
    raw = {"task": "classification", "target": "y", "metric": {"name": "log_loss"}, "columns": {**columns, **target}}
    return parse(raw, "raced")


def rows() -> pa.Table:
    values, classes = table()
    features = {name: pa.array(values[:, position].astype(float)) for position, name in enumerate(FEATURES)}
    buckets = pa.array(np.zeros(len(values)), pa.uint16())
    return pa.table({**features, "y": pa.array([("no", "yes")[known] for known in classes]), "__bucket": buckets})


def lay(folder: Path) -> None:
    """What /opt/ml/model holds, in a folder of its own; the bare ONNX file beside it is for the peers."""
    agreed, split = contract(), data.Split("d", rows(), rows().slice(0, 500))
    (folder / "model.py").write_text(MODEL)
    trained = train.train(split, agreed, {}, 0, folder)
    served = folder / SERVED
    train.write(trained, train.manifest(trained, agreed, Settings("raced", "d", "c", 0, {})), served)
    shutil.copytree(ROOT / "training/server", served / "code/server", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "build/packages/libs/runtime", served / "code", dirs_exist_ok=True)
    compileall.compile_dir(served / "code/server", quiet=1)
    (folder / "model.onnx").write_bytes(trained.onnx)


if __name__ == "__main__":
    lay(Path(sys.argv[1]))
