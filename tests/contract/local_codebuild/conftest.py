"""One local cloud for all these tests, and boto3's clients for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retide.local.cloud import LocalCloud
from tests.contract.local_codebuild.bench import BUCKET, Bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A running cloud. Its clock is the machine's; only `advance` moves it further."""
    home = tmp_path_factory.mktemp("codebuild") / "cloud"
    cloud = LocalCloud(home, {}, wait_scale=0.0, bound=True)
    bench = Bench(home, cloud.start())
    bench.s3.create_bucket(Bucket=BUCKET)
    yield bench
    cloud.stop()
