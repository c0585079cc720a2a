"""A local cloud for the tests of this tier: empty, with the job image that `make setup` has made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from retide.local.cloud import LocalCloud, Running

ROOT: Final = Path(__file__).resolve().parents[2]
JOBS_PYTHON: Final = ROOT / ".venv-jobs" / "bin" / "python"
BOOSTING_IMAGE: Final = "sagemaker-xgboost:3.0-5"
BOOSTING_PYTHON: Final = ROOT / ".venv-xgboost" / "bin" / "python"
IMAGES: Final = {
    "sagemaker-scikit-learn:1.9-0-cpu-py3": JOBS_PYTHON,
    BOOSTING_IMAGE: BOOSTING_PYTHON,
}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud") / "home", IMAGES, bound=True)
    yield cloud.start()
    cloud.stop()
