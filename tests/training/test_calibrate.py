"""Thresholds and intervals come from training rows alone, are the best there are, and are what is served and judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin

from retide.domain import evaluation
from retide.domain.contract import Contract, Cut
from tests.training import generate
from training import calibrate, data, evaluate, thresholds, train
from training.archive import Candidate
from training.errors import JobError
from training.server.application import Application
from training.server.artefact import Artefact
from training.settings import Settings

CHOSEN: Final = {"name": "f1", "threshold": "f1"}
RARE: Final = {"type": "category", "values": ["no", "yes"]}


def contract(metric: Any = CHOSEN, target: Any = RARE, task: str = "classification") -> Contract:
    return generate.contract(target, task, metric)


def split(rules: Contract, rows: int = 400, seed: int = 0) -> data.Split:
    table = generate.table(rules, rows=rows, seed=seed)
    held = pc.less(table["__bucket"], 3000)
    return data.Split("d1", table.filter(pc.invert(held)), table.filter(held))


def rare(part: data.Split) -> data.Split:
    """Only a part of those who would say yes does, so that hardly anybody is more likely to than not."""

    def thinned(table: Any) -> Any:
        keep = np.random.default_rng(1).random(table.num_rows) < 0.25
        answers = pc.if_else(keep, table["answer"], "no")
        return table.set_column(table.column_names.index("answer"), "answer", answers)

    return data.Split("d1", thinned(part.training), thinned(part.holdout))


def candidate(part: data.Split, rules: Contract, folder: Path, name: str = "m") -> Candidate:
    model = train.train(part, rules, {"estimator": "linear"}, 0, folder)
    told = Settings(rules.model, "d1", "c", 0, {})
    train.write(model, train.manifest(model, rules, told), folder / name)
    return Candidate(name, Artefact.load(folder / name / "model"), "digest", len(model.onnx))


def judged(found: Candidate, part: data.Split, rules: Contract) -> evaluation.Evaluation:
    contest = evaluate.Contest(found, None, None)
    document = evaluate.evaluate(contest, evaluate.holdout_of(contest, part, rules), rules, part)
    return evaluation.read(evaluation.Evaluation, json.dumps(document).encode(), "evaluation.json")


@pytest.mark.parametrize("rule", list(Cut))
@settings(max_examples=80, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=40))
def test_no_other_threshold_is_better_on_the_rows_that_it_is_chosen_on(rule: Cut, pairs: Any) -> None:
    truth = np.array([0, 1, *(label for label, _ in pairs)])
    positive = np.array([3, 8, *(tick for _, tick in pairs)]) / 20

    def worth(cut: float) -> float:
        said = positive >= cut
        if rule is Cut.F1:
            return float(reference.f1_score(truth, said, zero_division=0))
        return float(reference.balanced_accuracy_score(truth, said))

    chosen = worth(thresholds.best(rule, truth, positive))
    assert chosen == pytest.approx(max(worth(cut) for cut in positive))


def test_f1_gains_by_its_threshold_on_rows_that_nobody_chose_it_on(tmp_path: Path) -> None:
    rules = contract()
    part = rare(split(rules, rows=800))
    found = judged(candidate(part, rules, tmp_path), part, rules).challenger
    plain = contract({"name": "f1"})
    middle = judged(candidate(part, plain, tmp_path, "middle"), part, plain).challenger
    assert found.threshold is not None
    assert (found.threshold.label, found.threshold.by) == ("yes", "f1")
    assert 0.05 < found.threshold.value < 0.45
    assert found.threshold.rows == part.training.num_rows
    assert middle.threshold is None
    assert found.metrics["f1"] > middle.metrics["f1"] + 0.1
    assert found.metrics["roc_auc"] == middle.metrics["roc_auc"]


def test_the_holdout_plays_no_part_in_the_choice(tmp_path: Path) -> None:
    rules = contract()
    part = rare(split(rules))
    answers = part.holdout["answer"]
    wrong = pc.if_else(pc.equal(answers, "yes"), "no", "yes")
    other = replace(part, holdout=part.holdout.set_column(part.holdout.column_names.index("answer"), "answer", wrong))
    first, second = (train.train(some, rules, {"estimator": "linear"}, 0, tmp_path) for some in (part, other))
    assert first == second
    assert first.calibrated.threshold is not None


def test_what_the_server_says_and_the_golden_records_are_what_was_judged(tmp_path: Path) -> None:
    rules = contract()
    part = rare(split(rules))
    found = candidate(part, rules, tmp_path)
    holdout = evaluate.holdout_of(evaluate.Contest(found, None, None), part, rules)
    answers = found.artefact.render(found.artefact.predict(holdout.columns))
    said = [answer["label"] for answer in answers]
    scores = judged(found, part, rules).challenger
    truth = part.holdout["answer"].to_pylist()
    assert scores.metrics["f1"] == pytest.approx(reference.f1_score(truth, said, pos_label="yes"))
    assert scores.metrics["accuracy"] == pytest.approx(reference.accuracy_score(truth, said))
    cut = found.artefact.threshold
    assert cut is not None
    assert all((answer["label"] == "yes") == (answer["probabilities"]["yes"] >= cut) for answer in answers)
    assert any(answer["label"] == "yes" and answer["probability"] < 0.5 for answer in answers)
    assert all(answer["probability"] == answer["probabilities"][answer["label"]] for answer in answers)
    golden = evaluate.golden(found.artefact, holdout, rules)["requests"]
    served = Application(found.artefact, "1")._predicted([one["record"] for one in golden])
    assert served == [one["prediction"] for one in golden]


def test_a_threshold_parts_two_classes_also_where_the_holdout_has_more(tmp_path: Path) -> None:
    rules = contract(target={"type": "category"})
    table = generate.table(rules, rows=300)
    part = data.Split("d1", table.filter(pc.not_equal(table["answer"], "b")), table.slice(0, 60))
    found = candidate(part, rules, tmp_path)
    holdout = evaluate.holdout_of(evaluate.Contest(found, None, None), part, rules)
    said = [answer["label"] for answer in found.artefact.render(found.artefact.predict(holdout.columns))]
    assert judged(found, part, rules).challenger.metrics["accuracy"] == pytest.approx(
        reference.accuracy_score(part.holdout["answer"].to_pylist(), said)
    )
    with pytest.raises(JobError, match="parts two classes, and the training rows hold 3"):
        train.train(split(rules), rules, {"estimator": "linear"}, 0, tmp_path)


def test_a_constant_answer_may_choose_as_well(tmp_path: Path) -> None:
    rules = contract()
    part = rare(split(rules))
    baseline = judged(candidate(part, rules, tmp_path), part, rules).baseline
    share = part.holdout["answer"].to_pylist().count("yes") / part.holdout.num_rows
    assert baseline is not None
    assert baseline["f1"] == pytest.approx(2 * share / (1 + share))


def test_an_interval_holds_as_many_values_of_the_holdout_as_is_said(tmp_path: Path) -> None:
    rules = contract({"name": "rmse", "interval": 0.8}, {"type": "float"}, "regression")
    part = split(rules, rows=3000)
    found = judged(candidate(part, rules, tmp_path), part, rules).challenger
    assert found.interval is not None
    assert found.interval.low is not None
    assert found.interval.high is not None
    assert found.interval.low < 0 < found.interval.high
    assert found.interval.rows == part.training.num_rows
    assert found.metrics["coverage"] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("level", "rows"), [(0.9, 19), (0.9, 100), (0.5, 7), (0.99, 400)])
def test_a_new_residual_lies_within_the_quantiles_at_least_as_often_as_is_said(level: float, rows: int) -> None:
    drawn = np.random.default_rng(3).exponential(size=(4000, rows + 1))
    within = 0
    for *known, new in drawn:
        bounds = calibrate.quantiles(np.sort(known), level)
        assert bounds is not None
        within += bounds[0] <= new <= bounds[1]
    noise = 3 * np.sqrt(level * (1 - level) / len(drawn))
    assert level - noise <= within / len(drawn) <= level + 2 / (rows + 1) + noise


def test_few_rows_and_an_estimator_that_cannot_learn_from_a_part_have_no_interval_and_say_why() -> None:
    rules = contract({"name": "rmse"}, {"type": "float"}, "regression")
    frame, target = pd.DataFrame({"x": np.arange(18.0)}), np.arange(18.0)

    class AllOrNothing(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, least: int = 0) -> None:
            self.least = least

        def fit(self, some: pd.DataFrame, _target: Any) -> AllOrNothing:
            if len(some) < self.least:
                raise ValueError("too few")
            return self

        def predict(self, some: pd.DataFrame) -> Any:
            return some["x"].to_numpy()

    def found(least: int) -> Any:
        return calibrate.calibrate(AllOrNothing(least), frame, target, (), rules).interval

    assert found(0) == {"level": 0.9, "lacking": "18 rows are too few"}
    assert found(18) == {"level": 0.9, "lacking": "ValueError: too few"}
