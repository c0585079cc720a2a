"""The contracts that ship with Retide against the data of the demo: real rows pass, damaged ones are told apart."""

from pathlib import Path

import pytest

from retide.contracts import load
from retide.data import judge
from retide.demo.data import diabetes_batches, tumour_batches

MODELS = Path(__file__).parents[3] / "training/models"


@pytest.mark.parametrize(("model", "batches"), [("tumour", tumour_batches), ("diabetes", diabetes_batches)])
def test_real_batches_are_accepted_without_a_word(tmp_path: Path, model: str, batches: object) -> None:
    files = [file for file in batches(tmp_path) if "damaged" not in file.name]  # type: ignore[operator]
    verdicts = [judge(file, load(MODELS / model)) for file in files]
    assert [verdict.findings for verdict in verdicts] == [(), ()]
    assert sum(verdict.rows for verdict in verdicts) == {"tumour": 569, "diabetes": 442}[model]


def test_a_damaged_batch_is_refused_with_all_that_is_wrong(tmp_path: Path) -> None:
    damaged = tumour_batches(tmp_path)[-1]
    verdict = judge(damaged, load(MODELS / "tumour"))
    assert not verdict.accepted
    assert len({finding.rule for finding in verdict.refusals}) >= 3
    assert all(finding.examples for finding in verdict.refusals if finding.rule != "columns")
