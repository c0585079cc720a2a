"""Two clouds to compare: ours, and MiniStack as it is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retide.local.cloud import LocalCloud
from tests.contract.local.account import WAIT_SCALE, Account
from tests.contract.local.troubled import Troubled
from tests.patience import eventually


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    cloud = LocalCloud(tmp_path_factory.mktemp("ours"), {}, wait_scale=WAIT_SCALE, bound=True)
    yield Account(cloud.start().endpoint_url)
    cloud.stop()


@pytest.fixture(scope="session")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    """A cloud for faults only, so that none of them strikes another test."""
    cloud = LocalCloud(tmp_path_factory.mktemp("disturbed"), {}, wait_scale=0, bound=True)
    running = cloud.start()
    yield Troubled(running, Account(running.endpoint_url))
    cloud.stop()


@pytest.fixture
def troubled(disturbed: Troubled) -> Iterator[Troubled]:
    yield disturbed
    disturbed.running.clear_faults()


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """MiniStack alone, on a port of its own."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env=_environment(port, tmp_path_factory.mktemp("ministack")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lambda: _answers(port), "MiniStack answers")
    yield Account(f"http://127.0.0.1:{port}")
    os.killpg(process.pid, 9)
    process.wait()


def _environment(port: int, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "SFN_WAIT_SCALE": str(WAIT_SCALE),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
