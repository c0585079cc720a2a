"""A search as SageMaker takes it: names that fit, ranges as text, and what each training job reads of it."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

from retide.domain.contract import Contract, parse
from retide.domain.tuning_job import ENTRY, ENTRY_TEXT, SCORE, chosen_params, tuning_job, tuning_name

ROOT: Final = Path(__file__).parents[3]
SPACE: Final = {
    "C": {"min": 0.001, "max": 10, "log": True},
    "depth": {"min": 2, "max": 8, "integer": True},
    "penalty": ["l1", 2, None],
}


def contract(metric: str = "roc_auc", **tuning: Any) -> Contract:
    raw = {
        "task": "classification",
        "target": "ill",
        "columns": {"age": {"type": "integer"}, "ill": {"type": "boolean"}},
        "metric": {"name": metric},
        "tuning": {"candidates": 9, "on": "jobs", "space": SPACE, **tuning},
    }
    return parse(raw, "m")


def test_a_search_within_the_training_job_asks_for_no_tuning_job() -> None:
    assert tuning_job(contract(on="job"), "n", {}) is None
    assert tuning_job(contract(candidates=0, space={}, on="job"), "n", {}) is None


def test_ranges_are_texts_as_sagemaker_takes_them() -> None:
    made = tuning_job(contract(), "n", {"model": "m"})
    assert made is not None
    assert made.ranges == {
        "ContinuousParameterRanges": [
            {"Name": "params.C", "MinValue": "0.001", "MaxValue": "10.0", "ScalingType": "Logarithmic"}
        ],
        "IntegerParameterRanges": [{"Name": "params.depth", "MinValue": "2", "MaxValue": "8", "ScalingType": "Linear"}],
        "CategoricalParameterRanges": [{"Name": "params.penalty", "Values": ['"l1"', "2", "null"]}],
    }
    assert (made.strategy, made.candidates, made.parallel, made.type) == ("Random", 9, 2, "Maximize")
    assert made.hyperparameters["model"] == "m"
    assert made.timeout_seconds == 5 * (3600 + 1800)


def test_a_space_of_few_values_is_tried_whole() -> None:
    made = tuning_job(contract("log_loss", space={"penalty": ["l1", "l2"]}, parallel=10), "n", {})
    assert made is not None
    assert (made.strategy, made.candidates, made.parallel, made.type) == ("Grid", 2, 2, "Minimize")


def test_names_fit_and_say_whose_they_are() -> None:
    names = [tuning_name(stage, "m-1-1", deployment) for stage in ("dev", "production") for deployment in "ab"]
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"retide-(dev|production)-[0-9a-f]{10,}", name) and len(name) <= 32 for name in names)


def test_a_job_reads_the_parameters_that_were_drawn_for_it() -> None:
    drawn = {"params": '{"a": 1}', "params.C": "0.5", "params.depth": "3", "params.penalty": '"l1"', "seed": "0"}
    assert chosen_params(drawn) == {"C": 0.5, "depth": 3, "penalty": "l1"}


def test_the_state_machine_finds_the_score_in_what_a_job_says() -> None:
    machine = json.loads((ROOT / "infra/workflows/retrain.asl.json").read_text(encoding="utf-8"))
    definition = machine["States"]["Tune"]["Parameters"]["TrainingJobDefinition"]
    (metric,) = definition["AlgorithmSpecification"]["MetricDefinitions"]
    for value in (0.123456789, 1e-7, -3.0, 12345678.9):
        found = re.search(metric["Regex"], SCORE.format(value))
        assert found is not None
        assert abs(float(found[1]) - value) <= 1e-8 * abs(value)


def test_the_script_starts_the_job_of_the_code_channel(tmp_path: Path) -> None:
    code, entry = tmp_path / "input/data/code", tmp_path / "code"
    code.mkdir(parents=True)
    entry.mkdir()
    with zipfile.ZipFile(code / "abc.zip", "w") as archive:
        archive.writestr("__main__.py", "import sys; print(sys.argv[1:])")
    (entry / ENTRY).write_text(ENTRY_TEXT)
    said = subprocess.run([sys.executable, entry / ENTRY, "--x", "1"], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "['train']"
