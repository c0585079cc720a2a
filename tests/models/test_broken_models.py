"""A model that is broken fails these very tests, with words that say where and what to do: one folder a fault."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from scripts.jobs import ROOT
from tests.models.subjects import NAMED

SOUND: Final = ROOT / "training/models/tumour"
IMPORTS: Final = """\
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
FEW = ColumnTransformer([("few", SimpleImputer(keep_empty_features=True), ["mean_radius", "mean_texture"])])
"""

# ruff: noqa: ISC004
# By folder: its model.py, the test that must fail, and what it must say.
FAULTS: Final = {
    "syntax": (
        "def build(contract, params)\n    return None\n",
        "test_a_model_trains",
        r"models/syntax/model\.py, line 1: cannot be loaded: SyntaxError: expected ':'",
    ),
    "no-build": (
        "def make(contract, params):\n    return None\n",
        "test_a_model_trains",
        r"models/no-build/model\.py has no function build\(contract, params\) that returns an estimator; add one",
    ),
    "wrong-type": (
        "def build(contract, params):\n    return {'C': 1.0}\n",
        "test_build_returns_an_unfitted_estimator_and_changes_nothing",
        r"build\(\) in models/wrong-type/model\.py returned dict; classification needs one with fit\(\)",
    ),
    "wrong-column": (
        IMPORTS + "def build(contract, params):\n"
        "    few = ColumnTransformer([('few', SimpleImputer(), ['mean_radios'])])\n"
        "    return make_pipeline(few, LogisticRegression())\n",
        "test_the_linter_finds_no_error_in_a_model",
        r"wrong-column/model\.py:10:56: error RT301 unknown-column: the contract has no column 'mean_radios'; "
        r"did you mean 'mean_radius'\? Correct the name",
    ),
    "unconvertible": (
        IMPORTS + "def build(contract, params):\n"
        "    return make_pipeline(FEW, FunctionTransformer(np.log1p), LogisticRegression())\n",
        "test_a_model_trains",
        r"cannot be converted to ONNX, so it cannot be served: .*FunctionTransformer.* Build it from parts",
    ),
    "nan": (
        IMPORTS + "def build(contract, params):\n"
        "    made = make_pipeline(FEW, LogisticRegression())\n"
        "    def fit(frame, target):\n"
        "        type(made).fit(made, frame, target)\n"
        "        made[-1].coef_[:] = np.nan\n"
        "        return made\n"
        "    made.fit = fit\n"
        "    return made\n",
        "test_a_model_trains",
        r"The estimator predicts NaN or infinity for \d+ of \d+ rows: look for a step",
    ),
    "another-each-time": (
        IMPORTS + "def build(contract, params):\n"
        "    return make_pipeline(FEW, RandomForestClassifier(5, random_state=np.random.randint(10**6)))\n",
        "test_a_model_is_the_same_bytes_from_the_same_data",
        r"two trainings on the same rows give other bytes: give every random step a seed \(`retide lint`\)",
    ),
    "fitted": (
        IMPORTS + "def build(contract, params):\n    return LogisticRegression().fit([[0], [1]], [0, 1])\n",
        "test_build_returns_an_unfitted_estimator_and_changes_nothing",
        r"fitted/model\.py: build\(\) returns a fitted estimator: training fits it, on the training rows",
    ),
    "greedy": (
        IMPORTS
        + "def build(contract, params):\n    params['C'] = 2\n    return make_pipeline(FEW, LogisticRegression())\n",
        "test_build_returns_an_unfitted_estimator_and_changes_nothing",
        r"greedy/model\.py: build\(\) changes the params that it is given: copy them first",
    ),
    "learns-nothing": (
        IMPORTS + "def build(contract, params):\n    return make_pipeline(FEW, LogisticRegression(C=1e-300))\n",
        "test_a_model_learns_the_rows_that_it_was_trained_on",
        r"roc_auc is 0\.5; a constant answer reaches 0\.5",
    ),
    "fails-to-fit": (
        "from sklearn.linear_model import LogisticRegression\n"
        "def build(contract, params):\n    return LogisticRegression(penalty='none at all')\n",
        "test_a_model_trains",
        r"models/fails-to-fit/model\.py: fit\(\) failed: InvalidParameterError: The 'penalty' parameter",
    ),
}
SAID: Final = re.compile(r"^FAILED \S+::(\w+)\[([\w-]+)\]", flags=re.MULTILINE)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the tests say of all the faulty folders, and of one sound one, one whose contract is broken, one refused."""
    if NAMED:
        pytest.skip("the tests of the tests look at folders of their own")
    models = tmp_path_factory.mktemp("faulty")
    for name in (*FAULTS, "sound", "contract", "refused"):
        shutil.copytree(SOUND, models / name, ignore=shutil.ignore_patterns("__pycache__"))
        if name in FAULTS:
            (models / name / "model.py").write_text(FAULTS[name][0])
    _replace(models / "contract/contract.yaml", "target: diagnosis", "target: verdict")
    _replace(models / "refused/contract.yaml", "values: [A, B, C]", "values: [A, B]")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/models/test_every_model.py"]
    environment = {**os.environ, "RETIDE_MODELS": str(models)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout


def _replace(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def section(said: str, test: str, name: str) -> str:
    """What one failing test printed."""
    found = re.search(
        rf"^_+ (?:ERROR at setup of )?{test}\[{name}\] _+$(.*?)^(?:_+ |=+ )", said, re.MULTILINE | re.DOTALL
    )
    return " ".join(found[1].split()) if found else f"{test}[{name}] did not fail:\n{said[-3000:]}"


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_model_fails_with_words_that_say_what_to_do(said: str, name: str) -> None:
    _, test, words = FAULTS[name]
    assert re.search(words, section(said, test, name)), section(said, test, name)


def test_a_sound_model_beside_broken_ones_passes(said: str) -> None:
    failed = {name for _, name in SAID.findall(said)}
    assert failed == {*FAULTS, "refused", "contract"}


def test_a_broken_contract_is_told_with_its_line(said: str) -> None:
    words = section(said, "test_the_linter_finds_no_error_in_a_model", "contract")
    assert (
        "contract/contract.yaml:5:1: error RT001 contract-invalid: target: 'verdict' is not one of the columns" in words
    )


def test_a_sample_that_its_own_contract_refuses_is_told_with_the_rule(said: str) -> None:
    words = section(said, "test_the_sample_of_a_model_is_accepted_and_profiled", "refused")
    assert "refused/sample.csv: the model's own contract refuses it:" in words
    assert "column site: expected one of A, B, seen 70 rows with another value" in words
