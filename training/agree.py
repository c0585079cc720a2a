"""Ask two artefacts of one model about every row of its dataset, and write how far they are apart."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from training import data, features
from training.archive import open_candidate
from training.convert import TOLERANCE
from training.errors import JobError
from training.workspace import Workspace, write_json

INPUT: Final = "processing/input"
OUTPUT: Final = "processing/output/agreement.json"
NAMES: Final = ("original", "rebuilt")


def run(workspace: Workspace) -> None:
    """Raises JobError where one of them cannot be asked, or they have not the same outputs."""
    contract = workspace.contract(workspace.variable("RETIDE_MODEL"))
    channels = workspace.base / INPUT
    split = data.load(channels / "data", channels / "dataset", contract)
    rows = features.columns(pa.concat_tables([split.training, split.holdout]), contract)
    with tempfile.TemporaryDirectory(prefix="retide-models-") as scratch:
        opened = [open_candidate(channels / f"{name}.tar.gz", name, Path(scratch) / name) for name in NAMES]
        first, second = (candidate.artefact.predict(rows) for candidate in opened)
    if first.shape != second.shape:
        raise JobError(f"The original answers in the shape {first.shape}, the rebuilt model in {second.shape}.")
    scale = 1.0 if opened[0].artefact.manifest.classes else max(float(np.std(first)), 1e-6)
    apart = float(np.abs(first - second).max())
    write_json(workspace.base / OUTPUT, {"rows": len(first), "max_abs": apart, "allowed": TOLERANCE * scale})
