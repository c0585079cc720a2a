"""Lay the training part out in shards for several instances to learn from: numbers only, no row of the holdout."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from retide.domain.contract import Contract, Task
from training import boosting, data, defaults, features, fitting, sampling
from training.errors import JobError
from training.incremental import Pieces
from training.reading import BATCH
from training.server.manifest import Label
from training.settings import Settings
from training.workspace import Workspace, write_json

INPUT: Final = "processing/input"
OUTPUT: Final = "processing/output"
ROWS: Final = BATCH  # of a shard, at most

type Rows = NDArray[np.float32]


def run(workspace: Workspace) -> None:
    """Raises JobError for everything that a person can mend."""
    contract, settings = asked(workspace)
    channels = workspace.base / INPUT
    selection = data.select(channels / "data", channels / "dataset", contract)
    if selection.manifest.id != settings.dataset:
        raise JobError(f"The channel holds dataset {selection.manifest.id}, the job was asked for {settings.dataset}.")
    columns, classes = agreed(selection)
    rows = selection.size(sampling.TRAINING)
    told = boosting.brief(columns, contract, settings, classes, rows).to_dict()
    pieces = shards(selection, columns, classes, boosting.distributed(contract).instances)
    written = dict(write(pieces, workspace.base / OUTPUT / "shards"))
    write_json(
        workspace.base / OUTPUT / "brief" / boosting.BRIEF_FILE,
        {**told, "port": boosting.port(settings.boosting), "shards": written},
    )
    print(f"laid {rows} rows of {len(told['features'])} features out in {len(written)} shards")


def asked(workspace: Workspace) -> tuple[Contract, Settings]:
    """What the training job will be told: the contract's own seed and parameters."""
    model, digest = workspace.variable("RETIDE_MODEL"), workspace.variable("RETIDE_CODE_DIGEST")
    contract = workspace.contract(model)
    workspace.check_code(model, digest)
    dataset, job = workspace.variable("RETIDE_DATASET"), workspace.variable("RETIDE_BOOSTING")
    return contract, Settings(model, dataset, digest, contract.training.seed, contract.params, boosting=job)


def agreed(selection: data.Selection) -> tuple[Any, tuple[Label, ...]]:
    """The encoder and the classes, from a sample that holds every category and every label of the training part."""
    contract, sample = selection.contract, Pieces(selection).sample()
    columns = defaults.ordinal(contract.features).fit(_frame(sample, contract))
    return columns, features.labels(sample, contract) if contract.task is Task.CLASSIFICATION else ()


def shards(
    selection: data.Selection, columns: Any, classes: tuple[Label, ...], instances: int, most: int = ROWS
) -> Iterator[Rows]:
    """As many for each instance, of which at most one is in memory; raises JobError for fewer rows than instances."""
    rows, contract = selection.size(sampling.TRAINING), selection.contract
    if rows < instances:
        raise JobError(f"The training part has {rows} rows for {instances} instances; send more data.")
    count = instances * -(-rows // (instances * most))
    ends = np.linspace(0, rows, count + 1).astype(np.int64)
    encoded = (
        boosting.encoded(columns, _frame(table, contract), _target(table, contract, classes))
        for table in selection.batches(sampling.TRAINING)
    )
    waiting: list[Rows] = []
    for size in np.diff(ends).tolist():
        while sum(map(len, waiting)) < size:
            waiting.append(next(encoded))
        held = np.concatenate(waiting)
        yield held[:size]
        waiting = [held[size:]]


def write(pieces: Iterator[Rows], folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """By name the rows and the sha256 of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, rows in enumerate(pieces):
        file = folder / f"part-{place:05}.npy"
        np.save(file, rows, allow_pickle=False)
        with file.open("rb") as stream:
            yield file.name, {"rows": len(rows), "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _frame(table: pa.Table, contract: Contract) -> pd.DataFrame:
    return pd.DataFrame(dict(features.columns(table, contract)))


def _target(table: pa.Table, contract: Contract, classes: tuple[Label, ...]) -> fitting.Target:
    if contract.task is Task.REGRESSION:
        return features.numbers(table[contract.target])
    return features.truth(table, contract, classes)
