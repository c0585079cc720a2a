"""A model that several instances train needs one more image, which not every machine has to stand in for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from retide.cli.deploying import check_images
from retide.cli.failures import CliError
from retide.cli.places import BOOSTING_IMAGE, BOOSTING_PYTHON, IMAGE, Places

STORY = Path(__file__).resolve().parents[2] / "loop/story/models"


def project(root: Path, *models: str) -> Places:
    """A checkout with these models, and with what stands in for the image of all jobs."""
    for model in models:
        shutil.copytree(STORY / model, root / "training/models" / model)
    (root / ".venv-jobs/bin").mkdir(parents=True)
    (root / ".venv-jobs/bin/python").touch()
    return Places(root, root / "home")


def test_a_model_of_several_instances_is_not_deployed_where_nothing_can_train_it(tmp_path: Path) -> None:
    places = project(tmp_path, "orchard", "together")
    with pytest.raises(CliError, match=r"train model together, .*sagemaker-xgboost:3\.0-5 is missing .*`make xgboost`"):
        check_images(places, tmp_path)

    (tmp_path / BOOSTING_PYTHON).parent.mkdir(parents=True)
    (tmp_path / BOOSTING_PYTHON).touch()
    check_images(places, tmp_path)


def test_other_models_need_nothing_of_it(tmp_path: Path) -> None:
    check_images(project(tmp_path, "orchard"), tmp_path)


def test_a_contract_that_cannot_be_read_is_left_to_who_says_so_better(tmp_path: Path) -> None:
    places = project(tmp_path, "orchard")
    (tmp_path / "training/models/orchard/contract.yaml").write_text("task: [")
    check_images(places, tmp_path)


def test_the_local_cloud_knows_both_images_whenever_they_are_installed(tmp_path: Path) -> None:
    assert project(tmp_path).images().keys() == {IMAGE, BOOSTING_IMAGE}
