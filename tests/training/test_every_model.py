"""Every folder of training/models, and contracts without a model.py: what a user adds is tested by being there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from retide import contracts
from retide.domain.contract import ColumnType, Contract
from tests.training import generate
from tests.training.container import ROOT
from training import convert, data, features, train
from training.server.artefact import Artefact, open_session, run
from training.server.manifest import MISSING, Manifest
from training.server.requests import columns as request_columns

MODELS: Final = ROOT / "training/models"

CONTRACTS: Final[Mapping[str, Contract]] = {
    **contracts.load_all(MODELS),
    "two categories": generate.contract({"type": "category", "values": ["yes", "no"]}, metric="roc_auc"),
    "three classes": generate.contract({"type": "integer"}, metric="f1"),
    "a flag": generate.contract({"type": "boolean"}, metric="brier"),
    "a whole number": generate.contract({"type": "integer", "min": 0, "max": 900}, "regression", "rmse"),
    "a number, boosted": generate.contract({"type": "float"}, "regression", "r2", params={"estimator": "boosting"}),
    "a flag, boosted": generate.contract({"type": "boolean"}, params={"estimator": "boosting"}),
}


def split(contract: Contract, **options: Any) -> data.Split:
    rows = generate.table(contract, rows=160, **options)
    held = pc.less(rows["__bucket"], 2000)
    return data.Split("d1", rows.filter(pc.invert(held)), rows.filter(held))


def trained(contract: Contract, part: data.Split | None = None) -> train.Trained:
    return train.train(part or split(contract), contract, contract.params, 0, MODELS / contract.model)


def manifest(contract: Contract, model: train.Trained) -> Manifest:
    return train.manifest(model, contract, train.Settings(contract.model, "d1", "c", 0, {}), "job-1")


@pytest.fixture(params=list(CONTRACTS.values()), ids=list(CONTRACTS), scope="module")
def contract(request: pytest.FixtureRequest) -> Contract:
    found: Contract = request.param
    return found


@pytest.fixture(scope="module")
def model(contract: Contract) -> train.Trained:
    return trained(contract)


def test_a_model_predicts_as_its_estimator_does(contract: Contract, model: train.Trained) -> None:
    spread = 1.0 if model.classes else float(np.std(split(contract).training[contract.target].to_numpy()))
    assert model.parity_max_abs <= convert.TOLERANCE * spread


def test_a_model_is_the_same_bytes_from_the_same_data(contract: Contract, model: train.Trained) -> None:
    assert trained(contract) == model


def test_a_model_beats_saying_the_same_of_every_row(contract: Contract, model: train.Trained) -> None:
    part = split(contract)
    scores = run(open_session(model.onnx), features.columns(part.holdout, contract))
    if model.classes:
        truth = features.truth(part.holdout, contract, model.classes)
        most_frequent = np.bincount(truth).max() / len(truth)
        assert (scores.argmax(axis=1) == truth).mean() > most_frequent
    else:
        actual = features.numbers(part.holdout[contract.target])
        assert np.mean((scores[:, 0] - actual) ** 2) < np.var(actual)


def test_probabilities_are_shares_of_the_classes_in_order(contract: Contract, model: train.Trained) -> None:
    scores = run(open_session(model.onnx), features.columns(split(contract).holdout, contract))
    assert model.classes == features.ordered(set(model.classes), contract)
    assert scores.shape[1] == (len(model.classes) or 1)
    if model.classes:
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_a_model_survives_rows_of_which_everything_is_missing(contract: Contract, model: train.Trained) -> None:
    nothing = {
        column.name: np.array([MISSING], dtype=object)
        if column.type is ColumnType.CATEGORY
        else np.array([np.nan], dtype=np.float32)
        for column in contract.features
    }
    assert np.isfinite(run(open_session(model.onnx), nothing)).all()


def test_a_model_survives_categories_that_training_never_saw(contract: Contract, model: train.Trained) -> None:
    columns = dict(features.columns(split(contract).holdout, contract))
    for column in contract.features:
        if column.type is ColumnType.CATEGORY:
            columns[column.name] = np.array(["never seen"] * len(columns[column.name]), dtype=object)
    assert np.isfinite(run(open_session(model.onnx), columns)).all()


def test_a_model_trains_where_a_nullable_column_is_empty(contract: Contract) -> None:
    part = split(contract, missing=0.0)
    nullable = [column.name for column in contract.features if column.nullable][:1]
    gone = data.Split("d1", *(_emptied(half, nullable) for half in (part.training, part.holdout)))
    assert trained(contract, gone).onnx


def _emptied(rows: pa.Table, names: list[str]) -> pa.Table:
    for name in names:
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, pa.nulls(rows.num_rows, rows.schema.field(name).type))
    return rows


def test_a_written_model_answers_requests_as_it_was_trained(
    contract: Contract, model: train.Trained, tmp_path: Path
) -> None:
    train.write(model, manifest(contract, model), tmp_path)
    artefact = Artefact.load(tmp_path / "model")
    held = split(contract).holdout
    records = held.select([column.name for column in contract.features]).to_pylist()
    answered = artefact.predict(request_columns(records, artefact.manifest))
    np.testing.assert_array_equal(answered, artefact.predict(features.columns(held, contract)))
