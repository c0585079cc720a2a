"""The demo's checks can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retide.cli.failures import CliError
from retide.demo.change import CHANGED, change_model
from retide.demo.checks import differs, expect

RECORDED = {"label": "benign", "probability": 0.9, "probabilities": {"benign": 0.9, "malignant": 0.1}}


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (RECORDED, ""),
        ({**RECORDED, "probability": 0.900005}, ""),
        ({**RECORDED, "probability": 0.90002}, "answer.probability is 0.90002, the evaluation recorded 0.9"),
        ({**RECORDED, "label": "malignant"}, "answer.label is 'malignant'"),
        ({**RECORDED, "probabilities": {"benign": 0.9}}, "answer.probabilities differs in malignant"),
        ({**RECORDED, "probability": True}, "answer.probability is True"),
        ({**RECORDED, "probability": float("nan")}, "answer.probability is nan"),
        ({**RECORDED, "version": "x"}, "answer differs in version"),
        ("benign", "answer is 'benign'"),
    ],
)
def test_an_answer_agrees_within_the_tolerance_or_the_first_difference_is_named(seen: Any, said: str) -> None:
    found = differs(seen, RECORDED)
    assert found.startswith(said) if said else found == ""


def test_a_claim_that_does_not_hold_ends_the_demo_with_status_one() -> None:
    expect(True, "all is well")
    with pytest.raises(CliError, match="version 2 should serve") as failed:
        expect(False, "version 2 should serve")
    assert failed.value.code == 1


def test_the_changed_model_builds_the_same_estimator_with_a_stronger_penalty(tmp_path: Path) -> None:
    file = tmp_path / CHANGED
    file.parent.mkdir(parents=True)
    file.write_text("def build(contract, params):\n    return contract, dict(params)\n")
    change_model(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), names)  # noqa: S102 - the code that the demo deploys
    assert names["build"]("contract", {"C": 1.0, "other": 2}) == ("contract", {"C": 0.1, "other": 2})


def test_a_project_without_the_model_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"training/models/tumour/model\.py"):
        change_model(tmp_path)
