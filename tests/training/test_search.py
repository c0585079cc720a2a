"""Hyperparameters are searched within the training part, in units of work, and the winner is built as if nobody had."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.linear_model import LogisticRegression

from retide.domain import evaluation
from retide.domain.codec import parse
from retide.domain.contract import Contract
from retide.domain.tuning import Space
from tests.training import generate
from training import data, train
from training.errors import JobError
from training.options import Option
from training.search import Search

FLAG: Final = {"type": "boolean"}
FRAME: Final = pd.DataFrame(np.random.default_rng(0).normal(size=(4000, 3)), columns=list("abc"))
TARGET: Final = (FRAME["a"] + 0.3 * FRAME["b"] > 0).to_numpy().astype(np.int64)
STRENGTHS: Final[Space] = {"C": (1e-6, 1e-3, 1.0)}


def contract(**tuning: Any) -> Contract:
    return generate.contract(FLAG, tuning={"candidates": 4, "space": {"C": [1e-6, 1e-3, 1.0]}, **tuning})


def logistic(params: Mapping[str, Any]) -> list[Option]:
    return [Option("model.py", params, LogisticRegression(C=params.get("C", 1e-5)))]


def found(build: Any = logistic, space: Space = STRENGTHS, **tuning: Any) -> tuple[Option, dict[str, Any]]:
    return Search(contract(**tuning), {}, 0, space, build).run(FRAME, TARGET)


def split(rows: pa.Table) -> data.Split:
    held = pc.less(rows["__bucket"], 2000)
    return data.Split("d1", rows.filter(pc.invert(held)), rows.filter(held))


def test_the_best_candidate_wins_and_every_one_is_recorded_with_its_scores() -> None:
    winner, record = found(rows=4000)
    assert winner.params == {"C": 1.0}
    assert record["rounds"] == [{"candidates": 4, "rows": 1333}, {"candidates": 2, "rows": 4000}]
    assert [one["params"] for one in record["candidates"]] == [{}, {"C": 1e-6}, {"C": 1e-3}, {"C": 1.0}]
    assert [len(one["scores"]) for one in record["candidates"]] == [1, 1, 2, 2]
    assert record["winner"] == 3
    read = parse(evaluation.Search, json.loads(json.dumps(record, allow_nan=False)))
    assert read.candidates[read.winner].params == winner.params


def test_the_same_data_and_seed_have_the_same_search() -> None:
    assert found()[1] == found()[1]


def test_of_equals_the_contracts_own_parameters_win() -> None:
    winner, record = found(lambda params: [Option("model.py", params, LogisticRegression())])
    assert (winner.params, record["winner"]) == ({}, 0)


def test_a_candidate_that_fails_is_recorded_and_out_of_the_race() -> None:
    winner, record = found(space={"C": (-1.0, 1.0)}, rows=4000)
    assert winner.params == {"C": 1.0}
    assert "InvalidParameterError" in record["candidates"][1]["failure"]


def test_a_space_of_which_nothing_can_be_fitted_fails_with_the_first_reason() -> None:
    with pytest.raises(JobError, match=r"All that was tried failed; the first, with {'C': -1.0}: InvalidParameter"):
        found(space={"C": (-1.0, -2.0)})


def test_rows_that_say_nothing_fail_in_words() -> None:
    search = Search(contract(), {}, 0, STRENGTHS, logistic)
    with pytest.raises(JobError, match="None of 4 candidates has a score"):
        search.run(FRAME.head(2), TARGET[:2])


def test_a_search_beyond_its_seconds_fails_rather_than_have_another_winner() -> None:
    ticks = iter(range(0, 1000, 4))
    search = Search(contract(seconds=10), {}, 0, STRENGTHS, logistic, clock=lambda: float(next(ticks)))
    with pytest.raises(JobError, match=r"longer than tuning\.seconds \(10\) after 3 fits of 4 candidates"):
        search.run(FRAME, TARGET)


BUILD: Final = """
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

def build(contract, params):
    columns = make_column_transformer((SimpleImputer(), ["amount in €", "visits"]))
    return make_pipeline(columns, LogisticRegression(C=params.get("C", 1e-6)))
"""


def with_model(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.py").write_text(BUILD)
    return folder


def test_a_tuned_model_is_bit_for_bit_the_one_that_its_winner_makes_without_a_search(tmp_path: Path) -> None:
    rows, folder = split(generate.table(contract())), with_model(tmp_path / "example")
    tuned = train.train(rows, contract(), {}, 0, folder)
    assert tuned.params == {"C": 1.0}
    assert train.train(rows, contract(), {}, 0, folder) == tuned
    plain = train.train(rows, generate.contract(FLAG), {"C": 1.0}, 0, folder)
    assert (plain.onnx, plain.tuning) == (tuned.onnx, None)


def test_a_model_of_ones_own_needs_a_space(tmp_path: Path) -> None:
    asked = generate.contract(FLAG, tuning={"candidates": 3})
    with pytest.raises(JobError, match=r"tuning\.candidates is 3, and tuning\.space is empty: say there which"):
        train.train(split(generate.table(asked)), asked, {}, 0, with_model(tmp_path / "example"))


@pytest.mark.parametrize(
    ("task", "target", "metric"), [("classification", FLAG, "roc_auc"), ("regression", {"type": "float"}, "rmse")]
)
def test_default_estimators_are_searched_without_a_word_about_what(
    task: str, target: dict[str, Any], metric: str, tmp_path: Path
) -> None:
    asked = generate.contract(target, task, metric, tuning={"candidates": 4})
    rows = split(generate.table(asked, rows=120))
    tuned = train.train(rows, asked, {}, 0, tmp_path)
    assert tuned.tuning is not None
    tried = [one["params"] for one in tuned.tuning["candidates"]]
    assert tried[:2] == [{"estimator": "linear"}, {"estimator": "boosting"}]
    assert all(name.partition("__")[0] in ("estimator", one["estimator"]) for one in tried for name in one)
    assert train.train(rows, generate.contract(target, task, metric), tuned.params, 0, tmp_path).onnx == tuned.onnx


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"C": 3}, r"params\.C says nothing to the default estimators; they know estimator, linear__… and boosting__…"),
        ({"linear__depth": 3}, "linear__depth is no parameter of the default estimator linear, a LogisticRegression"),
    ],
)
def test_a_parameter_that_no_default_estimator_knows_is_refused(
    params: dict[str, Any], words: str, tmp_path: Path
) -> None:
    plain = generate.contract(FLAG)
    with pytest.raises(JobError, match=words):
        train.train(split(generate.table(plain)), plain, params, 0, tmp_path)
