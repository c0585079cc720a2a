"""An estimator that learns piece by piece never holds more than a piece, and is judged and served like any other."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest

from retide.domain.contract import Contract, parse
from tests.training import generate
from tests.training.container import write_dataset
from training import data, incremental, metrics, sampling, train
from training.errors import JobError
from training.holdout import Holdout
from training.incremental import Pieces
from training.server.artefact import open_session, run
from training.settings import Settings

YES_NO: Final = {"type": "category", "values": ["no", "yes"]}
TASKS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "classification": (YES_NO, "roc_auc"),
    "regression": ({"type": "float"}, "r2"),
}


def contract(task: str = "classification", **more: Any) -> Contract:
    target, metric = TASKS[task]
    return generate.contract(target, task, metric, training={"incremental": True}, **more)


def selection(folder: Path, wanted: Contract, *tables: pa.Table) -> data.Selection:
    write_dataset(folder, {f"f{number}": table for number, table in enumerate(tables)})
    return data.select(folder / "data", folder / "dataset", wanted)


def trained(chosen: data.Selection, folder: Path, params: dict[str, Any] | None = None) -> train.Trained:
    settings = Settings("example", "d1", "c", 0, params or {})
    return train.learn(chosen, settings, folder)


@pytest.mark.parametrize("task", TASKS)
def test_the_default_estimator_learns_from_many_files(task: str, tmp_path: Path) -> None:
    wanted = contract(task)
    chosen = selection(tmp_path, wanted, *(generate.table(wanted, rows=300, seed=seed) for seed in range(4)))
    made = trained(chosen, tmp_path)
    split = chosen.split()
    held, answers = Holdout.of(split.holdout, wanted, made.classes), open_session(made.onnx)
    assert metrics.score(wanted.metric.name, held.truth, run(answers, held.columns)) > 0.8
    assert trained(chosen, tmp_path).onnx == made.onnx


MODEL: Final = """
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import {kind}
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

def build(contract, params):
    columns = make_column_transformer((SimpleImputer(), ["amount in €", "visits"]))
    return make_pipeline(columns, StandardScaler(), {kind}({options}))
"""


def with_model(folder: Path, kind: str, options: str = "") -> Path:
    folder.mkdir()
    (folder / "model.py").write_text(MODEL.format(kind=kind, options=options))
    return folder


def test_a_model_of_ones_own_learns_by_partial_fit_from_every_row(tmp_path: Path) -> None:
    wanted = contract()
    tables = [generate.table(wanted, rows=200, seed=seed) for seed in range(3)]
    folder = with_model(tmp_path / "example", "SGDClassifier", "loss='log_loss'")
    whole, lacking = (selection(tmp_path / name, wanted, *some) for name, some in (("a", tables), ("b", tables[:2])))
    assert trained(whole, folder).name == "model.py"
    assert trained(whole, folder).onnx != trained(lacking, folder).onnx


def test_an_estimator_without_partial_fit_is_refused_by_name(tmp_path: Path) -> None:
    wanted = contract()
    folder = with_model(tmp_path / "example", "LogisticRegression")
    with pytest.raises(JobError, match=r"LogisticRegression, the last step of the estimator, has no partial_fit\(\)"):
        trained(selection(tmp_path, wanted, generate.table(wanted)), folder)


def test_the_default_estimators_that_need_all_rows_at_once_are_no_choice(tmp_path: Path) -> None:
    wanted = contract()
    with pytest.raises(JobError, match=r"params\.estimator is 'boosting'; .* it can be auto, linear"):
        trained(selection(tmp_path, wanted, generate.table(wanted)), tmp_path, {"estimator": "boosting"})


def test_the_sample_has_every_category_every_label_and_what_is_missing(tmp_path: Path) -> None:
    columns = {"id": {"type": "string"}, "x": {"type": "category", "nullable": True}, "y": {"type": "category"}}
    wanted = parse(
        {
            "task": "classification",
            "target": "y",
            "id": ["id"],
            "metric": {"name": "log_loss"},
            "columns": columns,
            "training": {"incremental": True},
        },
        "example",
    )
    count = incremental.FITTED * 2
    x, y = np.full(count, "common", dtype=object), np.full(count, "a", dtype=object)
    x[70_001], x[99_999], y[4], y[3] = "rare", None, "b", "c"
    table = pa.table(
        {
            "id": [str(row) for row in range(count)],
            "x": pa.array(x),
            "y": pa.array(y),
            "__bucket": pa.array([0, *[5000] * (count - 1)], pa.uint16()),
        }
    )
    found = Pieces(selection(tmp_path, wanted, table)).sample()
    assert set(found["x"].to_pylist()) == {"common", "rare", None}
    assert set(found["y"].to_pylist()) == {"a", "b", "c"}
    assert found.num_rows <= incremental.FITTED + 5


def test_pieces_are_all_rows_of_the_training_part_and_no_more_than_a_piece_each(tmp_path: Path) -> None:
    wanted = contract()
    chosen = selection(tmp_path, wanted, *(generate.table(wanted, rows=250, seed=seed) for seed in range(2)))
    pieces = list(Pieces(chosen)._pieces(("no", "yes")))
    assert sum(len(truth) for _, truth in pieces) == chosen.size(sampling.TRAINING)
    assert max(len(frame) for frame, _ in pieces) <= 250


def test_a_search_chooses_on_the_sample_and_the_winner_learns_from_all(tmp_path: Path) -> None:
    wanted = contract(tuning={"candidates": 3})
    made = trained(selection(tmp_path, wanted, generate.table(wanted, rows=300)), tmp_path)
    assert made.tuning is not None
    assert made.tuning["candidates"][0]["params"] == {"estimator": "linear"}
    assert made.params in [one["params"] for one in made.tuning["candidates"]]
