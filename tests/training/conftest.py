"""The bundles, laid once."""

from pathlib import Path

import pytest

from infra import bundles
from tests.training.container import ROOT


@pytest.fixture(scope="session")
def libs() -> Path:
    return bundles.lay(ROOT).libs
