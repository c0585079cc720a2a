"""One local cloud for all these tests, boto3's clients for it, and a bucket with the code of small containers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retide.local.clock import Clock
from retide.local.cloud import LocalCloud
from retide.local.interfaces import Settings
from retide.local.sagemaker import SageMaker
from tests.contract.bus import Bus
from tests.contract.local_sagemaker.bench import BUCKET, Bench, images, model_archive
from tests.contract.local_sagemaker.containers import JOB


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A running cloud. Its clock is the machine's; only `advance` moves it further."""
    home = tmp_path_factory.mktemp("sagemaker") / "cloud"
    cloud = LocalCloud(home, images(), wait_scale=0.0, bound=True)
    bench = Bench(home, cloud.start())
    bench.s3.create_bucket(Bucket=BUCKET)
    bench.put("code/job.py", JOB.encode())
    for version in ("1", "2", "broken", "sick", "lines", "columns"):
        bench.put(f"models/{version}.tar.gz", model_archive(version))
    yield bench
    cloud.stop()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    clock.close()


@pytest.fixture
def sagemaker(tmp_path: Path, bus: Bus, clock: Clock) -> Iterator[SageMaker]:
    """SageMaker in this process, with nothing beneath it: for operations that only remember."""
    service = SageMaker(Settings(tmp_path, "http://127.0.0.1:1", images(), clock), bus)
    yield service
    service.close()
