"""A local cloud with the delivery pipeline of a copy of the project, and the pushes that every test here looks at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retide.local.cloud import LocalCloud, Running
from tests.loop.conftest import IMAGES
from tests.loop.delivery import changes
from tests.loop.delivery.repository import Repository
from tests.loop.delivery.road import Road

SETTINGS = {"tests": "tests/unit/domain/test_gate.py", "alarm_minutes": "1", "approval": "yes"}
"""The builds run few tests: what they do with a failing one does not depend on how many there are."""


@pytest.fixture(scope="session")
def delivery_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delivery") / "home"


@pytest.fixture(scope="session")
def delivery_cloud(delivery_home: Path) -> Iterator[Running]:
    cloud = LocalCloud(delivery_home, IMAGES, wait_scale=0.1, bound=True)
    yield cloud.start()
    cloud.stop()


@pytest.fixture(scope="session")
def road(delivery_cloud: Running, delivery_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """The pipeline stands, and its first delivery is on its way."""
    environment = {"RETIDE_HOME": str(delivery_home)}
    repository = Repository.copied_to(tmp_path_factory.mktemp("pushed"), environment)
    overrides = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    made = Road(repository, delivery_cloud, {"first": repository.git("rev-parse", "HEAD").strip()})
    repository.retide("remote", *overrides)
    made.listen()
    return made


@pytest.fixture(scope="session")
def two(road: Road) -> Road:
    """Documents and a broken test, pushed while what was pushed before is still under way."""
    road.push("documents", changes.documents)
    road.push("broken test", changes.broken_test)
    road.deliver("first")
    road.put("first.csv", changes.rows(first=0))
    road.settle()
    road.follow()
    return road


@pytest.fixture(scope="session")
def three(two: Road) -> Road:
    """After the two a better model, on the whole road."""
    two.push("better", changes.mended_test, changes.better)
    two.follow()
    two.settle()
    return two
