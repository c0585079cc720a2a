"""No job and no server outlives its cloud, however that ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from retide.local.cloud import LocalCloud
from retide.local.processes import Registry
from tests.contract.local_sagemaker.bench import (
    BUCKET,
    Bench,
    images,
    living,
    model_archive,
    training_request,
)
from tests.contract.local_sagemaker.containers import JOB
from tests.patience import eventually


@pytest.fixture
def cloud(tmp_path: Path) -> LocalCloud:
    return LocalCloud(tmp_path / "cloud", images(), bound=True)


def busy(cloud: LocalCloud, home: Path) -> set[int]:
    """A cloud with a job and an endpoint running; the sessions of both."""
    bench = Bench(home, cloud.start())
    bench.s3.create_bucket(Bucket=BUCKET)
    bench.put("code/job.py", JOB.encode())
    bench.put("models/1.tar.gz", model_archive("1"))
    bench.config("serves")
    bench.endpoint("serves", "serves")
    bench.sagemaker.create_training_job(**training_request("runs", "stubborn"))
    bench.until_logged("training", "runs", "waiting")
    sessions = Registry(home).sessions()
    assert len(sessions) == 2
    return sessions


def test_stopping_the_cloud_ends_jobs_and_servers(cloud: LocalCloud, tmp_path: Path) -> None:
    sessions = busy(cloud, tmp_path / "cloud")

    cloud.stop()

    assert living(sessions) == []
    assert "Traceback" not in cloud.log_path.read_text()


def test_killing_the_cloud_ends_jobs_and_servers_and_it_starts_again(cloud: LocalCloud, tmp_path: Path) -> None:
    sessions = busy(cloud, tmp_path / "cloud")
    running = cloud.running()
    assert running is not None

    os.kill(running.pid, signal.SIGKILL)

    eventually(lambda: not living(sessions), "no process is left")
    cloud.stop()
    assert busy(cloud, tmp_path / "cloud").isdisjoint(sessions)
    cloud.stop()
