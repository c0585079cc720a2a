"""The functions of one stage, with an environment as infra fills it, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from retide.aws.clients import Clients
from retide.aws.runtime import runtime
from tests.functions.deployment import Deployment, deploy, write_catalogue


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    runtime.cache_clear()
    with mock_aws():
        made = deploy(Clients())
        write_catalogue(tmp_path)
        for name, value in {**made.environment.to_variables(), "LAMBDA_TASK_ROOT": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        yield made
    runtime.cache_clear()
