"""Train a model on the training part of a dataset, and write it as data: ONNX, a manifest, and its server."""

from __future__ import annotations

import compileall
import hashlib
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any, Final

import numpy as np
import pandas as pd

from retide.domain.contract import Contract, Task
from retide.domain.contract_tuning import Where
from retide.domain.split import split_of
from retide.domain.tuning_job import SCORE
from training import boosting, calibrate, convert, data, features, fitting, sampling, user_code
from training.calibrate import Calibrated
from training.errors import JobError
from training.fitting import Fit
from training.incremental import Pieces
from training.options import Maker, Option
from training.search import Search
from training.server.artefact import Columns
from training.server.manifest import MANIFEST_FILE, ONNX_FILE, Label, Manifest
from training.settings import Settings
from training.workspace import Workspace

MODEL_FILE: Final = "model.py"
COMPARED: Final = 50_000  # rows of the holdout on which the estimator and its ONNX form are compared
LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")
BOOSTING: Final = ("onnxmltools", "xgboost-cpu")  # where XGBoost is the estimator


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that is ready to be written; `name` tells which estimator it is, `tuning` how its `params` were found."""

    onnx: bytes
    name: str
    classes: tuple[Label, ...]
    parity_max_abs: float
    params: Mapping[str, Any]
    tuning: Mapping[str, Any] | None = None
    sampling: Mapping[str, Any] | None = None
    boosting: Mapping[str, Any] | None = None
    calibrated: Calibrated = field(default_factory=Calibrated)


def run(workspace: Workspace) -> None:
    """Raises JobError for everything that a person can mend."""
    settings = Settings.read(workspace)
    contract = workspace.contract(settings.model)
    workspace.check_code(settings.model, settings.code_digest)
    if contract.training.distributed:
        workspace.bring("boosting")
    channels = workspace.base / "input/data"
    selection = data.select(channels / "data", channels / "dataset", contract)
    if selection.manifest.id != settings.dataset:
        raise JobError(f"The channel holds dataset {selection.manifest.id}, the job was asked for {settings.dataset}.")
    folder = workspace.code / "models" / contract.model
    if settings.scores:
        print(SCORE.format(score(selection, settings, folder)))
        return
    trained = replace(learned(selection, settings, folder, channels), sampling=selection.sampled)
    write(trained, manifest(trained, contract, settings), workspace.base / "model")
    pack_server(workspace, workspace.base / "model/code")
    size = selection.size(sampling.TRAINING)
    print(f"trained {trained.name} on {size} rows, {len(contract.features)} features")


def learned(selection: data.Selection, settings: Settings, folder: Path, channels: Path) -> Trained:
    """With the booster of several instances where the job is told of one, else by this machine alone."""
    if not settings.boosting:
        return learn(selection, settings, folder)
    rows = selection.size(sampling.TRAINING)
    with tempfile.TemporaryDirectory(prefix="retide-booster-") as scratch:
        boosted = boosting.Boosted.unpack(channels / "booster", Path(scratch), selection.contract, settings, rows)
        return replace(learn(selection, settings, folder, boosted.fit), boosting=boosted.record)


def score(selection: data.Selection, settings: Settings, folder: Path) -> float:
    """What cross-validation within the training part says of the job's parameters; raises JobError for no number."""
    contract = selection.contract
    rows = selection.thinned(sampling.TRAINING, contract.tuning.rows)
    maker, frame, target, _ = _prepared(data.Split("", rows, rows), contract, settings.seed, folder)
    with user_code.explained(maker.file, "fit() failed"):
        options = maker.make(settings.params)
        found = [fitting.cross_validated(option.estimator, frame, target, contract) for option in options]
    best = max(found, key=lambda value: contract.metric.sign * value)
    if not math.isfinite(best):
        raise JobError(f"{contract.metric.name} is not defined on the folds of {len(frame)} rows; send more data.")
    return best


def learn(selection: data.Selection, settings: Settings, folder: Path, elsewhere: Fit | None = None) -> Trained:
    """The whole training part at once, or piece by piece where the contract says so.

    Of what learned `elsewhere` from all rows only the encoders are fitted here, on the sample that they are agreed on.
    """
    contract, pieces = selection.contract, Pieces(selection)
    fit = elsewhere or (pieces.fit if contract.training.incremental else None)
    rows = pieces.sample() if fit else selection.table(sampling.TRAINING)
    split = data.Split(selection.manifest.id, rows, selection.thinned(sampling.HOLDOUT, COMPARED))
    return train(split, contract, settings.params, settings.seed, folder, fit or fitting.whole)


def train(
    split: data.Split,
    contract: Contract,
    params: Mapping[str, Any],
    seed: int,
    folder: Path,
    fit: Fit = fitting.whole,
) -> Trained:
    """Fit on the training part only; the holdout serves to compare the estimator with its ONNX form, nothing else.

    Where `fit` learns from more than the training part of `split`, that is the sample which encoders are fitted on.
    """
    maker, frame, target, classes = _prepared(split, contract, seed, folder)
    with user_code.explained(maker.file, "fit() failed"):
        chosen, tuning = _chosen(maker, params, frame, target)
        estimator = fit(chosen.estimator, frame, target, classes)
        calibrated = calibrate.calibrate(estimator, frame, target, classes, contract)
    onnx = convert.convert(estimator, features.features(contract), contract.task)
    scale = 1.0 if classes else max(float(np.std(target)), 1e-6)
    compared = (features.columns(part, contract) for part in (split.training, split.holdout))
    worst = max(_parity(estimator, onnx, part, scale) for part in compared)
    told = chosen.params if tuning else params
    return Trained(onnx, chosen.name, classes, worst, told, tuning, calibrated=calibrated)


def _prepared(
    split: data.Split, contract: Contract, seed: int, folder: Path
) -> tuple[Maker, pd.DataFrame, fitting.Target, tuple[Label, ...]]:
    """Who makes the estimators, the rows as they get them, their target, and its classes."""
    frame = pd.DataFrame(dict(features.columns(split.training, contract)))
    target, classes = _target(split, contract)
    names = [feature.name for feature in features.features(contract)]
    empty = [str(name) for name in frame if frame[name].isna().all()]
    return Maker(folder / MODEL_FILE, contract, names, seed, empty), frame, target, classes


def _chosen(
    maker: Maker, params: Mapping[str, Any], frame: pd.DataFrame, target: fitting.Target
) -> tuple[Option, Mapping[str, Any] | None]:
    """What is to be fitted, and the record of the search, if there was one.

    A winner is built anew: its bytes are those that its parameters give without any search.
    """
    if maker.contract.tuning.candidates and maker.contract.tuning.on is Where.JOB:
        winner, record = Search(maker.contract, params, maker.seed, maker.space, maker.make).run(frame, target)
        return next(option for option in maker.make(winner.params) if option.name == winner.name), record
    options = {option.name: option for option in maker.make(params)}
    estimators = {name: option.estimator for name, option in options.items()}
    return options[fitting.choose(estimators, frame, target, maker.contract)], None


def _parity(estimator: Any, onnx: bytes, columns: Columns, scale: float) -> float:
    return convert.parity(estimator, onnx, pd.DataFrame(dict(columns)), columns, scale)


def _target(split: data.Split, contract: Contract) -> tuple[fitting.Target, tuple[Label, ...]]:
    if contract.task is Task.REGRESSION:
        return features.numbers(split.training[contract.target]), ()
    classes = features.labels(split.training, contract)
    if len(classes) < 2:
        raise JobError(
            f"Column {contract.target!r} holds only {classes[0]!r} in the {split.training.num_rows} training rows; "
            "classification needs at least two classes."
        )
    return features.truth(split.training, contract, classes), classes


def manifest(trained: Trained, contract: Contract, settings: Settings) -> Manifest:
    seen = {feature.name for feature in contract.features}
    libraries = (*LIBRARIES, *BOOSTING) if contract.training.distributed else LIBRARIES
    return Manifest(
        model=contract.model,
        task=contract.task.value,
        target=contract.target,
        features=features.features(contract),
        columns=tuple(column.name for column in contract.columns if column.name not in seen),
        missing=contract.missing,
        classes=trained.classes,
        onnx_sha256=hashlib.sha256(trained.onnx).hexdigest(),
        estimator=trained.name,
        parity_max_abs=trained.parity_max_abs,
        versions={library: version(library) for library in libraries},
        dataset=settings.dataset,
        code_digest=settings.code_digest,
        contract_digest=contract.digest,
        params=trained.params,
        seed=settings.seed,
        tuning=trained.tuning,
        pii=tuple(column.name for column in contract.columns if column.pii),
        sampling=trained.sampling,
        threshold=trained.calibrated.threshold,
        interval=trained.calibrated.interval,
        split=asdict(split_of(contract)),
        boosting=trained.boosting,
    )


def write(trained: Trained, manifest: Manifest, folder: Path) -> None:
    """`<folder>/model/`: the artefact proper."""
    target = folder / "model"
    target.mkdir(parents=True, exist_ok=True)
    (target / ONNX_FILE).write_bytes(trained.onnx)
    (target / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")


def pack_server(workspace: Workspace, target: Path) -> None:
    """The server and the runtime that the image lacks, with bytecode: an endpoint's file system may be read-only."""
    shutil.copytree(workspace.code / "training/server", target / "server", dirs_exist_ok=True)
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(target / "server", quiet=1, stripdir=str(target), invalidation_mode=unchecked)
    shutil.copytree(workspace.runtime, target, dirs_exist_ok=True)
