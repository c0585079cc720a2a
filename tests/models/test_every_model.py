"""Every folder of training/models, and contracts without a model.py: what a user adds is tested by being there."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from retide.data import judge
from retide.domain.contract import ColumnType, Contract
from retide.domain.profile import Profile
from retide.lint import engine, report
from retide.lint.findings import Severity
from retide.lint.rules import RULES
from tests.models.conftest import Attempt
from tests.models.subjects import MODELS, Subject, explained, judged, split, trained
from training import convert, data, features, metrics, train, user_code
from training.server.artefact import Artefact, open_session, run
from training.server.manifest import MISSING, Manifest
from training.server.requests import columns as request_columns
from training.settings import Settings

SMALL = 40


def predicted(model: train.Trained, columns: features.Columns) -> NDArray[np.float64]:
    """Scores that are finite, every one of them."""
    scores = run(open_session(model.onnx), columns)
    wrong = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    assert not len(wrong), f"row {wrong[0]} of {len(scores)} is answered with {scores[wrong[0]].tolist()}"
    return scores


def manifest(contract: Contract, model: train.Trained) -> Manifest:
    return train.manifest(model, contract, Settings(contract.model, "d1", "c", 0, {}))


def test_the_linter_finds_no_error_in_a_model(of_folder: Subject) -> None:
    found = engine.lint([of_folder.folder], judge)
    errors = [f for f in found.findings if RULES[f.code].severity is Severity.ERROR]
    told = list(report.text(engine.Report(found.models, tuple(errors)), MODELS))[:-1]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def test_the_sample_of_a_model_is_accepted_and_profiled(of_folder: Subject, contract: Contract) -> None:
    if not of_folder.sample.is_file():
        pytest.skip(f"put a few hundred rows into {of_folder.sample}")
    verdict = judged(of_folder, contract)
    profile = verdict.profile
    assert profile is not None
    assert profile.columns.keys() == {column.name for column in contract.columns}
    assert Profile.from_dict(json.loads(json.dumps(profile.to_dict(), allow_nan=False))) == profile
    assert judged(of_folder, contract).curated == verdict.curated


def test_build_returns_an_unfitted_estimator_and_changes_nothing(of_folder: Subject, contract: Contract) -> None:
    file = of_folder.folder / train.MODEL_FILE
    if not file.is_file():
        pytest.skip("the default estimator serves this model")
    params = copy.deepcopy(dict(contract.params))
    made = explained(lambda: user_code.build(file, contract, params))
    if params != dict(contract.params):
        pytest.fail(f"{file}: build() changes the params that it is given: copy them first", pytrace=False)
    if _is_fitted(made):
        pytest.fail(
            f"{file}: build() returns a fitted estimator: training fits it, on the training rows", pytrace=False
        )


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def test_features_are_what_the_contract_says_and_nothing_else(contract: Contract, part: data.Split) -> None:
    columns = features.columns(part.training, contract)
    assert list(columns) == [column.name for column in contract.features]
    assert contract.target not in columns
    for column in contract.features:
        values = columns[column.name]
        if column.type is ColumnType.CATEGORY:
            assert {type(value) for value in values} == {str}
        else:
            assert values.dtype == np.float32
            assert not np.isinf(values).any()
            assert column.nullable or not np.isnan(values).any()


def test_a_model_trains(attempt: Attempt) -> None:
    if attempt.model is None:
        pytest.fail(attempt.reason, pytrace=False)


def test_a_model_predicts_as_its_estimator_does(contract: Contract, model: train.Trained, part: data.Split) -> None:
    spread = 1.0 if model.classes else float(np.std(features.numbers(part.training[contract.target])))
    assert model.parity_max_abs <= convert.TOLERANCE * spread


def test_a_model_is_the_same_bytes_from_the_same_data(
    subject: Subject, contract: Contract, model: train.Trained, part: data.Split
) -> None:
    same = trained(subject, contract, part) == model
    assert same, "two trainings on the same rows give other bytes: give every random step a seed (`retide lint`)"


def scored(contract: Contract, model: train.Trained, rows: pa.Table) -> tuple[float, float]:
    """The deciding metric of the model and of saying the same of every row, both so that more is better."""
    scores, name, sign = predicted(model, features.columns(rows, contract)), contract.metric.name, contract.metric.sign
    if not model.classes:
        truth: Any = features.numbers(rows[contract.target])
        constant = np.full_like(scores, truth.mean())
    else:
        truth = features.truth(rows, contract, model.classes)
        constant = np.tile(np.bincount(truth, minlength=len(model.classes)) / len(truth), (len(truth), 1))
    return sign * metrics.score(name, truth, scores), sign * metrics.score(name, truth, constant)


def beats(contract: Contract, learnt: float, constant: float) -> None:
    """Fails with both scores, as the contract's metric counts."""
    sign, name = contract.metric.sign, contract.metric.name
    if not learnt > constant:
        pytest.fail(f"{name} is {sign * learnt:.4g}; a constant answer reaches {sign * constant:.4g}", pytrace=False)


def test_a_model_learns_the_rows_that_it_was_trained_on(
    contract: Contract, model: train.Trained, part: data.Split
) -> None:
    learnt, constant = scored(contract, model, part.training)
    beats(contract, learnt, constant)


def test_a_model_learns_a_handful_of_rows(subject: Subject, contract: Contract, model: train.Trained) -> None:
    """Made-up rows, of which the target follows: the first ones, dealt out by their target so that none lacks."""
    made = split(subject, contract, seed=3, missing=0.0)
    order = np.argsort(made.training[contract.target].to_numpy(zero_copy_only=False), kind="stable")
    few = made.training.take(np.sort(order[np.linspace(0, len(order) - 1, SMALL).astype(int)]))
    small = explained(lambda: trained(subject, contract, data.Split("d1", few, made.holdout)))
    beats(contract, *scored(contract, small, few))


def test_a_model_beats_saying_the_same_of_every_row_that_was_held_out(
    contract: Contract, model: train.Trained, part: data.Split
) -> None:
    learnt, constant = scored(contract, model, part.holdout)
    beats(contract, learnt, constant)


def test_probabilities_are_shares_of_the_classes_in_order(
    contract: Contract, model: train.Trained, part: data.Split
) -> None:
    scores = predicted(model, features.columns(part.holdout, contract))
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
    assert len(predicted(model, nothing)) == 1


def test_a_model_survives_the_ends_of_every_range(contract: Contract, model: train.Trained) -> None:
    ends = {
        column.name: np.array(["?", ""], dtype=object)
        if column.type is ColumnType.CATEGORY
        else np.array([_or(column.minimum, -1e6), _or(column.maximum, 1e6)], dtype=np.float32)
        for column in contract.features
    }
    assert len(predicted(model, ends)) == 2


def _or(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound


def test_a_model_survives_categories_that_training_never_saw(
    contract: Contract, model: train.Trained, part: data.Split
) -> None:
    columns = dict(features.columns(part.holdout, contract))
    for column in contract.features:
        if column.type is ColumnType.CATEGORY:
            columns[column.name] = np.array(["never seen"] * len(columns[column.name]), dtype=object)
    assert len(predicted(model, columns)) == part.holdout.num_rows


def test_a_model_trains_where_a_nullable_column_is_empty(
    subject: Subject, contract: Contract, model: train.Trained
) -> None:
    part = split(subject, contract, seed=0, missing=0.0)
    nullable = [column.name for column in contract.features if column.nullable][:1]
    gone = data.Split("d1", *(_emptied(half, nullable) for half in (part.training, part.holdout)))
    assert explained(lambda: trained(subject, contract, gone)).onnx


def _emptied(rows: pa.Table, names: list[str]) -> pa.Table:
    for name in names:
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, pa.nulls(rows.num_rows, rows.schema.field(name).type))
    return rows


def test_a_written_model_answers_requests_as_it_was_trained(
    contract: Contract, model: train.Trained, part: data.Split, tmp_path: Path
) -> None:
    train.write(model, manifest(contract, model), tmp_path)
    artefact = Artefact.load(tmp_path / "model")
    records = part.holdout.select([column.name for column in contract.features]).to_pylist()
    answered = artefact.predict(request_columns(records, artefact.manifest))
    np.testing.assert_array_equal(answered, artefact.predict(features.columns(part.holdout, contract)))
