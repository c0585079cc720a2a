"""What several instances are told of a model that they train together, and how their booster becomes the estimator."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from retide.domain.contract import Contract, Task
from retide.domain.contract_distributed import Distributed, objection
from training import defaults, fitting
from training.errors import JobError
from training.server.manifest import Label
from training.settings import Settings

NAME: Final = "xgboost"
BRIEF_FILE: Final = "boosting.json"
BOOSTER_FILE: Final = "booster.ubj"
FILES: Final = frozenset({BRIEF_FILE, BOOSTER_FILE})
ARCHIVE: Final = "model.tar.gz"
PORTS: Final = range(20_000, 30_000)  # below those that systems give to whoever asks for any
CLASSIFIER: Final = {"nocl": [True, False], "zipmap": [True, False, "columns"]}  # options that skl2onnx asks for
CALLED: Final = {"eta": "learning_rate", "lambda": "reg_lambda", "alpha": "reg_alpha"}  # by scikit-learn's interface


@dataclass(frozen=True, slots=True)
class Brief:
    """All that instances know of a model, which follows from dataset, code and contract alone.

    `features` are the columns of a shard behind the target, in their order; `categories` what the number of a category
    stands for, `classes` that of a class. `params` are XGBoost's own.
    """

    dataset: str
    code_digest: str
    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    classes: tuple[Label, ...]
    params: Mapping[str, Any]
    rounds: int
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def distributed(contract: Contract) -> Distributed:
    """Raises JobError where the contract asks for one machine."""
    if contract.training.distributed is None:
        raise JobError(f"The contract of model {contract.model!r} has no training.distributed; the job has no task.")
    return contract.training.distributed


def pipeline(contract: Contract, params: Mapping[str, Any]) -> Pipeline:
    """The encoder of the default boosting, and XGBoost behind it: not fitted."""
    import xgboost

    _register(xgboost)
    for name, value in params.items():
        if said := objection(name, value):
            raise JobError(f"params.{name} {said}.")
    kind = xgboost.XGBClassifier if contract.task is Task.CLASSIFICATION else xgboost.XGBRegressor
    told = {CALLED.get(name, name): value for name, value in params.items()}
    model = kind(n_estimators=distributed(contract).rounds, tree_method="hist", n_jobs=1, **told)
    return Pipeline([("columns", defaults.ordinal(contract.features)), (defaults.MODEL, model)])


def brief(columns: Any, contract: Contract, settings: Settings, classes: tuple[Label, ...], rows: int) -> Brief:
    """`columns` is the encoder, fitted on a sample that holds every category."""
    if len(classes) == 1:
        raise JobError(f"Every row of the training part has the {contract.target} {classes[0]!r}; send more data.")
    return Brief(
        settings.dataset,
        settings.code_digest,
        tuple(name for _, _, names in columns.transformers_ for name in names),
        _categories(columns),
        classes,
        {**_objective(contract, classes), "tree_method": "hist", "seed": settings.seed, **settings.params},
        distributed(contract).rounds,
        rows,
    )


def port(job: str) -> int:
    """On which the first host counts the others in: jobs that share a machine have each their own."""
    return PORTS[int(hashlib.sha256(job.encode()).hexdigest(), 16) % len(PORTS)]


def encoded(columns: Any, frame: pd.DataFrame, target: fitting.Target) -> NDArray[np.float32]:
    """(rows, 1 + features), the target first, as XGBoost takes them."""
    return np.column_stack([target, columns.transform(frame)]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Boosted:
    """Fits by taking the booster that instances made: `record` is what the model's manifest says of them."""

    folder: Path
    contract: Contract
    settings: Settings
    rows: int

    @classmethod
    def unpack(cls, channel: Path, folder: Path, contract: Contract, settings: Settings, rows: int) -> Boosted:
        """What the job has left, of which only the two known files are taken; raises JobError."""
        try:
            taken = _taken(channel / ARCHIVE, folder)
        except (OSError, tarfile.TarError) as error:
            raise JobError(
                f"The channel `booster` cannot be read ({type(error).__name__}: {error}): a run that a deployment "
                "overtook has none; ask for a retrain."
            ) from error
        if missing := FILES - taken:
            raise JobError(f"The job {settings.boosting} has left no {' and no '.join(sorted(missing))}.")
        return cls(folder, contract, settings, rows)

    def fit(self, estimator: Any, frame: pd.DataFrame, _target: fitting.Target, classes: Sequence[Any]) -> Any:
        """Raises JobError where the instances learned anything but what this job would have told them."""
        columns = estimator.named_steps["columns"].fit(frame)
        wanted = brief(columns, self.contract, self.settings, tuple(classes), self.rows).to_dict()
        made = self._told()
        if differing := sorted(name for name in wanted if made.get(name) != wanted[name]):
            raise JobError(
                f"The booster of {self.settings.boosting} was made of something else than this model is: "
                f"{', '.join(differing)} differ. Ask for a retrain."
            )
        estimator.named_steps[defaults.MODEL].load_model(self.folder / BOOSTER_FILE)
        return estimator

    @property
    def record(self) -> dict[str, Any]:
        """For the manifest: how many learned, from which bytes, and what came of it."""
        shards = json.dumps(self._told()["shards"], sort_keys=True).encode()
        return {
            "instances": distributed(self.contract).instances,
            "rounds": distributed(self.contract).rounds,
            "shards_sha256": hashlib.sha256(shards).hexdigest(),
            "booster_sha256": hashlib.sha256((self.folder / BOOSTER_FILE).read_bytes()).hexdigest(),
        }

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / BRIEF_FILE).read_text(encoding="utf-8"))
        return told


def _taken(archive: Path, folder: Path) -> set[str]:
    """The names of FILES that an archive holds, which lie in `folder` now."""
    taken = set()
    with tarfile.open(archive) as packed:
        for member in packed:
            name, content = str(PurePosixPath(member.name)), packed.extractfile(member)
            if name in FILES and content is not None:
                with (folder / name).open("wb") as target:
                    shutil.copyfileobj(content, target)
                taken.add(name)
    return taken


def _register(xgboost: Any) -> None:
    """Tell skl2onnx how XGBoost's estimators are converted: by onnxmltools, which knows them."""
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    known = (
        (xgboost.XGBClassifier, calculate_linear_classifier_output_shapes, CLASSIFIER),
        (xgboost.XGBRegressor, calculate_linear_regressor_output_shapes, None),
    )
    for kind, shapes, options in known:
        update_registered_converter(kind, kind.__name__, shapes, convert_xgboost, options=options)


def _categories(columns: Any) -> dict[str, tuple[str, ...]]:
    named = {name: (encoder, names) for name, encoder, names in columns.transformers_}
    if "categories" not in named:
        return {}
    encoder, names = named["categories"]
    return {name: tuple(map(str, known)) for name, known in zip(names, encoder.categories_, strict=True)}


def _objective(contract: Contract, classes: Sequence[Label]) -> dict[str, Any]:
    if contract.task is Task.REGRESSION:
        return {"objective": "reg:squarederror"}
    if len(classes) == 2:
        return {"objective": "binary:logistic"}
    return {"objective": "multi:softprob", "num_class": len(classes)}
