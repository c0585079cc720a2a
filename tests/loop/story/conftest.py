"""One local cloud with the project's own stacks deployed to it, for every story of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from retide.local.cloud import LocalCloud, Running
from tests.loop.conftest import IMAGES
from tests.loop.story.project import Project
from tests.loop.story.stage import Stage


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
    project.bootstrap(f"aws://{story_cloud.account}/{story_cloud.region}")
    project.deploy()
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=story_cloud.region)
    return Stage(session, story_cloud.endpoint_url)
