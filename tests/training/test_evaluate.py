"""Challenger and champion meet on one holdout, each as the artefact that is served."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from retide.domain import evaluation, gate
from retide.domain.case import Case
from retide.domain.contract import Contract, parse
from tests.training import generate
from training import data, evaluate, train
from training.archive import Candidate
from training.errors import JobError
from training.holdout import Holdout
from training.server.artefact import Artefact
from training.settings import Settings

BINARY: Final = {"type": "category", "values": ["no", "yes"]}
CONTRACT: Final = generate.contract(BINARY, metric="roc_auc")


def split(contract: Contract = CONTRACT, rows: int = 240, seed: int = 0) -> data.Split:
    made = generate.table(contract, rows=rows, seed=seed)
    held = pc.less(made["__bucket"], 3000)
    return data.Split("d1", made.filter(pc.invert(held)), made.filter(held))


def candidate(folder: Path, job: str, part: data.Split | None = None, contract: Contract = CONTRACT) -> Candidate:
    model = train.train(part or split(contract), contract, {"estimator": "linear"}, 0, folder)
    settings = Settings(contract.model, "d1", "c", 0, {})
    train.write(model, train.manifest(model, contract, settings), folder / job)
    return Candidate(job, Artefact.load(folder / job / "model"), f"digest of {job}", len(model.onnx))


def swapped(part: data.Split) -> data.Split:
    """The same rows, with every label of the training part wrong."""
    answers = part.training["answer"]
    wrong = pc.if_else(pc.equal(answers, "yes"), "no", "yes")
    return data.Split(
        "d1", part.training.set_column(part.training.column_names.index("answer"), "answer", wrong), part.holdout
    )


def judged(contest: evaluate.Contest, contract: Contract = CONTRACT, part: data.Split | None = None) -> dict[str, Any]:
    part = part or split(contract)
    return evaluate.evaluate(contest, evaluate.holdout_of(contest, part, contract), contract, part)


def test_a_first_model_is_judged_alone(tmp_path: Path) -> None:
    document = judged(evaluate.Contest(candidate(tmp_path, "first"), None, None))
    assert (document["champion"], document["gain"]) == (None, None)
    assert "champion_skipped" not in document
    assert document["challenger"]["metrics"]["roc_auc"] > 0.8 > document["baseline"]["roc_auc"] == 0.5
    assert document["challenger"]["artefact_digest"] == "digest of first"
    assert document["holdout_rows"] == split().holdout.num_rows


def test_what_is_written_is_what_the_gate_and_the_rollout_read(tmp_path: Path) -> None:
    model = candidate(tmp_path, "m")
    contest = evaluate.Contest(model, model, None)
    found = evaluation.read(evaluation.Evaluation, json.dumps(judged(contest)).encode(), "evaluation.json")
    assert found.champion is not None
    assert found.champion.metrics == found.challenger.metrics
    assert {segment.name for segment in found.segments} <= {"region=north", "region=south", "region=west"}
    golden = evaluate.golden(model.artefact, evaluate.holdout_of(contest, split(), CONTRACT), CONTRACT)
    assert len(evaluation.read(evaluation.GoldenSet, json.dumps(golden).encode(), "golden.json").requests) == 20
    skipped = evaluate.Contest(model, None, "it was trained on other columns")
    found = evaluation.read(evaluation.Evaluation, json.dumps(judged(skipped)).encode(), "evaluation.json")
    assert found.champion_skipped == "it was trained on other columns"


def test_a_model_gains_nothing_over_itself(tmp_path: Path) -> None:
    same = candidate(tmp_path, "same")
    gain = judged(evaluate.Contest(same, same, None))["gain"]
    assert gain == {"estimate": 0.0, "low": 0.0, "high": 0.0, "confidence": 0.95, "error": 0.0}


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_a_model_taught_wrong_labels_loses_whichever_way_the_metric_points(metric: str, tmp_path: Path) -> None:
    contract = generate.contract(BINARY, metric=metric)
    good = candidate(tmp_path, "good", contract=contract)
    bad = candidate(tmp_path, "bad", swapped(split(contract)), contract)
    lost = judged(evaluate.Contest(bad, good, None), contract)["gain"]
    won = judged(evaluate.Contest(good, bad, None), contract)["gain"]
    assert lost["low"] <= lost["estimate"] < 0 < won["estimate"] <= won["high"]
    assert lost["estimate"] == pytest.approx(-won["estimate"])


def test_segments_with_enough_rows_are_scored_for_both(tmp_path: Path) -> None:
    model = candidate(tmp_path, "m")
    part = split()
    regions = ["north"] * (part.holdout.num_rows - 29) + ["west"] * 29
    place = part.holdout.column_names.index("region")
    held = data.Split("d1", part.training, part.holdout.set_column(place, "region", pa.array(regions)))
    segments = judged(evaluate.Contest(model, model, None), part=held)["segments"]
    assert [(entry["name"], entry["rows"]) for entry in segments] == [("region=north", len(regions) - 29)]
    assert segments[0]["challenger"] == segments[0]["champion"] > 0.5


def test_rows_without_a_value_are_a_segment_too(tmp_path: Path) -> None:
    part = split(rows=1500)
    document = judged(evaluate.Contest(candidate(tmp_path, "m", part), None, None), part=part)
    assert "region=missing" in {entry["name"] for entry in document["segments"]}


def test_a_class_that_only_the_challenger_knows_counts_against_the_champion(tmp_path: Path) -> None:
    values = ["no", "yes", "maybe"]
    contract = generate.contract({"type": "category", "values": values}, metric="accuracy")
    part = split(contract)
    known = data.Split("d1", part.training.filter(pc.not_equal(part.training["answer"], "maybe")), part.holdout)
    new, old = candidate(tmp_path, "new", part, contract), candidate(tmp_path, "old", known, contract)
    assert (new.artefact.manifest.classes, old.artefact.manifest.classes) == (tuple(values), ("no", "yes"))
    document = judged(evaluate.Contest(new, old, None), contract, part)
    assert document["gain"]["estimate"] > 0


def test_a_holdout_on_which_the_metric_is_undefined_is_refused(tmp_path: Path) -> None:
    part = split()
    one_class = data.Split("d1", part.training, part.holdout.filter(pc.equal(part.holdout["answer"], "yes")))
    with pytest.raises(JobError, match=r"roc_auc is not defined on the holdout .*'answer' does not vary enough"):
        judged(evaluate.Contest(candidate(tmp_path, "m"), None, None), part=one_class)


def test_golden_records_answer_as_requests_do(tmp_path: Path) -> None:
    model = candidate(tmp_path, "m")
    part = split()
    holdout = evaluate.holdout_of(evaluate.Contest(model, None, None), part, CONTRACT)
    golden = evaluate.golden(model.artefact, holdout, CONTRACT)["requests"]
    assert len(golden) == 20
    assert set(golden[0]["record"]) == {column.name for column in CONTRACT.features}
    assert {entry["prediction"]["label"] for entry in golden} == {"no", "yes"}


PRIVATE: Final[dict[str, tuple[dict[str, Any], list[Any], object]]] = {
    "income": ({"type": "float", "nullable": True}, [52_117.5] * 3, None),
    "age": ({"type": "integer", "min": 18, "max": 90}, [37] * 3, 18),
    "debt": ({"type": "float", "max": -1}, [-731.25] * 3, -1.0),
    "children": ({"type": "integer"}, [3] * 3, 0),
    "street": ({"type": "category"}, ["Elm Street"] * 3, "***"),
    "religion": ({"type": "category", "values": ["none", "other"]}, ["other"] * 3, "none"),
    "married": ({"type": "boolean"}, [True] * 3, False),
}
"""Sensitive columns: what the contract says, what is in the rows, and what a request has instead."""


@pytest.mark.parametrize("name", PRIVATE)
def test_a_request_that_is_kept_has_nobodys_own_value_of_a_sensitive_column(name: str) -> None:
    said, values, instead = PRIVATE[name]
    columns = {"open": {"type": "integer"}, name: said | {"pii": True}, "answer": {"type": "float"}}
    contract = parse({"task": "regression", "target": "answer", "columns": columns, "metric": {"name": "rmse"}}, "m")
    rows = pa.table({"open": [1, 2, 3], name: values, "answer": [1.0, 2.0, 3.0]})
    records = Holdout.of(rows, contract, ()).records(contract, 2)
    assert json.dumps(records) == json.dumps([{"open": 1, name: instead}, {"open": 3, name: instead}])


def shared(tmp_path: Path, now: Contract, part: data.Split, **changes: Any) -> tuple[evaluate.Contest, data.Split]:
    """A champion of now's contract, with another split in its manifest, meets a challenger of now's."""
    new, old = candidate(tmp_path, "new", part, now), candidate(tmp_path, "old", part, now)
    made = {**(old.artefact.manifest.split or {}), **changes}
    manifest = replace(old.artefact.manifest, split=made)
    old = replace(old, artefact=replace(old.artefact, manifest=manifest))
    return evaluate.fair(evaluate.Contest(new, old, None), part, now)


def test_both_are_judged_on_what_both_held_out_where_the_share_has_grown(tmp_path: Path) -> None:
    now = generate.contract(BINARY, metric="roc_auc", holdout=0.3)
    part = split(now, rows=600)
    contest, held = shared(tmp_path, now, part, below=2000)
    assert contest.champion is not None
    assert held.holdout.num_rows == pc.sum(pc.less(part.holdout["__bucket"], 2000)).as_py() < part.holdout.num_rows
    document = judged(contest, now, held)
    assert (document["holdout_rows"], document["champion"]["job"]) == (held.holdout.num_rows, "old")
    larger, same = shared(tmp_path, now, part, below=4000)
    assert larger.champion is not None
    assert same.holdout.equals(part.holdout)
    none, whole = shared(tmp_path, now, part, below=0)
    assert (none.champion, none.learned, whole) == (None, True, part)
    assert "it learned from all" in str(none.skipped)


def test_a_champion_that_was_trained_under_another_split_is_not_judged_on_what_it_may_know(tmp_path: Path) -> None:
    part = split()
    contest, whole = shared(tmp_path, CONTRACT, part, days=None, columns=["id"], types=["string"])
    assert (contest.champion, contest.learned, whole) == (None, True, part)
    written = json.dumps(judged(contest, part=part)).encode()
    found = evaluation.read(evaluation.Evaluation, written, "evaluation.json")
    assert (found.champion, found.gain, found.champion_learned) == (None, None, True)
    assert found.champion_skipped == (
        "when it was trained 0.2 of the rows by a hash of id was held out, "
        "and now the newest 0.2 of each 5 days by seen at is"
    )
    decision = gate.decide(Case(found, CONTRACT.metric))
    assert [str(finding) for finding in decision.findings if finding.warns]
    first = evaluate.Contest(contest.challenger, None, None)
    assert evaluate.fair(first, part, CONTRACT) == (first, part)


def test_a_model_says_the_same_of_the_holdout_batch_by_batch(tmp_path: Path) -> None:
    part, model = split(), candidate(tmp_path, "m")
    holdout = evaluate.holdout_of(evaluate.Contest(model, None, None), part, CONTRACT)
    batches = list(holdout.batches(50))
    sizes = [len(batch["visits"]) for batch in batches]
    assert (max(sizes), sum(sizes), len(sizes)) == (50, part.holdout.num_rows, -(-part.holdout.num_rows // 50))
    said = np.concatenate([model.artefact.predict(batch) for batch in batches])
    assert said == pytest.approx(holdout.scores(model.artefact), abs=1e-6)


def test_a_champion_of_another_target_or_feature_type_does_not_fit(tmp_path: Path) -> None:
    manifest = candidate(tmp_path, "m").artefact.manifest
    assert evaluate.misfit(manifest, CONTRACT) is None
    columns = {**CONTRACT.to_dict()["columns"], "visits": {"type": "float"}}
    changed = generate.contract(BINARY, columns=columns)
    assert evaluate.misfit(manifest, changed) == (
        "it was trained with feature 'visits' as integer; in the contract it is float"
    )
    columns.pop("visits")
    gone = generate.contract(BINARY, columns=columns)
    assert "no feature any more" in (evaluate.misfit(manifest, gone) or "")
    flag = generate.contract({"type": "integer"}, "regression", "mae")
    assert "the contract wants regression of 'answer'" in (evaluate.misfit(manifest, flag) or "")
