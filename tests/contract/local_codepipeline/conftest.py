"""A bench for each test, beside which nothing runs, so nothing happens at the wrong moment; and one running cloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retide.local.cloud import LocalCloud
from tests.contract.local_codepipeline.bench import Bench
from tests.contract.local_codepipeline.clouds import Cloud


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("delivery") / "cloud"
    cloud = LocalCloud(home, {}, wait_scale=0.0, bound=True)
    running = Cloud(home, cloud.start())
    running.s3.create_bucket(Bucket="artifacts")
    yield running
    cloud.stop()
