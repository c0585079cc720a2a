"""Names and settings of jobs: within SageMaker's limits, for every model and stage."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.contract import MODEL_NAME, parse
from retide.domain.layout import RunId
from retide.domain.retrain import Ingredients, Recipe, hyperparameters, job_name
from tests.unit.steps.world import CONTRACT

NAMES = st.from_regex(MODEL_NAME, fullmatch=True).filter(str.isascii)
RUNS = st.builds(RunId, NAMES, st.integers(1, 10**6), st.integers(1, 999)).map(str)
MADE = Ingredients("d", Recipe("c", "k", "image:1", "l"))


@given(run=RUNS, stage=st.sampled_from(["dev", "staging", "prod"]))
def test_a_job_s_name_is_one_that_sagemaker_takes(run: str, stage: str) -> None:
    name = job_name(stage, run, "ledger")
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)
    assert name.startswith(f"retide-{stage}-")


@given(
    st.lists(st.tuples(RUNS, st.sampled_from(["dev", "prod"]), st.sampled_from(["t1", "t2"])), unique=True, max_size=8)
)
def test_no_two_runs_share_the_name_of_a_job(runs: set[tuple[str, str, str]]) -> None:
    names = {job_name(stage, run, table) for run, stage, table in runs}
    assert len(names) == len(runs)


def test_settings_are_texts_and_settings_too_long_are_refused_with_advice() -> None:
    contract = parse({**CONTRACT, "params": {"depth": 3}}, "m")
    assert hyperparameters(MADE, contract)["params"] == '{"depth": 3}'
    with pytest.raises(ValueError, match=r"2513 characters of params; SageMaker takes 2500: keep large settings"):
        hyperparameters(MADE, replace(contract, params={"x": "y" * 2504}))


@given(st.lists(st.builds(Recipe, *([st.text(max_size=3)] * 4)), min_size=2, max_size=2))
def test_two_recipes_share_a_mark_exactly_where_nothing_is_new(pair: list[Recipe]) -> None:
    now, before = pair
    assert (now.mark == before.mark) is (now.news(before) == ()) is (now == before)
