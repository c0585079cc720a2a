"""One entry for each folder of models: one, two or three, and a clear word for what is not a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from retide.domain.reader import ContractError
from tests.infra.conftest import Templates, synthesise

MODELS = Path("training/models")


def _keep(checkout: Path, *models: str) -> None:
    """Leave exactly these models, each a copy of the one that comes with Retide."""
    original = checkout / "original"
    (checkout / MODELS / "tumour").rename(original)
    shutil.rmtree(checkout / MODELS)
    for model in models:
        shutil.copytree(original, checkout / MODELS / model)
        contract = checkout / MODELS / model / "contract.yaml"
        contract.write_text(contract.read_text().replace("model: tumour", f"model: {model}"))


@pytest.mark.parametrize("models", [("churn",), ("churn", "fraud"), ("a", "churn", "fraud")], ids=len)
def test_every_folder_of_models_becomes_a_model_of_the_deployment(
    checkout: Path, tmp_path: Path, models: tuple[str, ...]
) -> None:
    _keep(checkout, *models)
    templates = synthesise(tmp_path / "out", "dev", checkout)
    assert templates.outputs("retraining")["Models"] == ",".join(models)
    groups = templates.resources("AWS::SageMaker::ModelPackageGroup").values()
    assert {group["Properties"]["ModelPackageGroupName"] for group in groups} == {f"retide-dev-{m}" for m in models}
    assert {r["Properties"]["Model"] for r in templates.resources("Custom::RetideRemoveModel").values()} == set(models)


def test_a_change_in_one_models_code_is_announced_for_that_model_only(checkout: Path, tmp_path: Path) -> None:
    before = _digests(synthesise(tmp_path / "before", "dev", checkout))
    with (checkout / MODELS / "tumour/contract.yaml").open("a") as contract:
        contract.write("\n# a remark\n")
    (checkout / MODELS / "tumour/extra.py").write_text("VALUE = 1\n")
    after = _digests(synthesise(tmp_path / "after", "dev", checkout))
    assert {model for model in after if after[model] != before[model]} == {"tumour"}


def _digests(templates: Templates) -> dict[str, str]:
    announced = templates.resources("Custom::RetideCode").values()
    return {resource["Properties"]["Model"]: resource["Properties"]["CodeDigest"] for resource in announced}


def test_a_broken_contract_is_refused_with_its_file(checkout: Path, tmp_path: Path) -> None:
    (checkout / MODELS / "tumour/contract.yaml").write_text("task: nonsense\n")
    with pytest.raises(ContractError) as refused:
        synthesise(tmp_path / "out", "dev", checkout)
    assert any("tumour/contract.yaml" in str(problem) for problem in refused.value.problems)
