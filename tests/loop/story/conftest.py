"""One local cloud with the project's own stacks deployed to it, for every story of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from retide.local.cloud import LocalCloud, Running
from tests.loop.story.project import ROOT, Project
from tests.loop.story.stage import Stage

IMAGES = {"sagemaker-scikit-learn:1.9-0-cpu-py3": ROOT / ".venv-jobs" / "bin" / "python"}


@pytest.fixture(scope="session")
def story_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), IMAGES, bound=True)
    yield cloud.start()
    cloud.stop()


@pytest.fixture(scope="session")
def project(story_cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.copied_to(tmp_path_factory.mktemp("project"), story_cloud.environment())


@pytest.fixture(scope="session")
def stage(story_cloud: Running, project: Project) -> Stage:
    project.cdk("bootstrap", f"aws://{story_cloud.account}/{story_cloud.region}")
    project.deploy()
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=story_cloud.region)
    return Stage(session, story_cloud.endpoint_url)


@pytest.fixture(scope="session")
def batches(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The demo's batches of tumours: sound, sound, damaged."""
    from retide.demo.data import tumour_batches

    return tumour_batches(tmp_path_factory.mktemp("batches"))
