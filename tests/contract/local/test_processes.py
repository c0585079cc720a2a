"""Processes of a cloud are found again by their session and by their mark, and nobody else's are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from retide.local.processes import MARK, Registry, born, end_session, lives, sweep
from tests.patience import eventually

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
PARENT = f"import subprocess, time; subprocess.Popen({SLEEP!r}, env={{}}); time.sleep(600)"


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def spawn(home: Path) -> subprocess.Popen[bytes]:
    """A process with one child that does not carry the cloud's mark."""
    process = Registry(home).spawn(
        [sys.executable, "-S", "-c", PARENT],
        environment={},
        folder=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: psutil.Process(process.pid).children(), "the child is there")
    return process


def test_a_sweep_ends_spawned_processes_with_their_children_and_nobody_else(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    process = spawn(tmp_path)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
    assert sweep(tmp_path) == 2
    assert not any(lives(member) for member in family)
    assert bystander.poll() is None
    process.wait()


def test_a_session_is_ended_with_its_grandchildren(tmp_path: Path) -> None:
    process = spawn(tmp_path)
    child = psutil.Process(process.pid).children()[0]
    end_session(process.pid, Registry(tmp_path))
    assert not lives(child)
    assert Registry(tmp_path).sessions() == set()
    process.wait()


def test_a_child_is_found_by_its_session_when_its_parent_is_gone(tmp_path: Path) -> None:
    process = spawn(tmp_path)
    child = psutil.Process(process.pid).children()[0]
    process.kill()
    end_session(process.pid, Registry(tmp_path))
    assert not lives(child)
    process.wait()


def test_a_marked_process_is_swept_though_nobody_registered_it(tmp_path: Path) -> None:
    marked = subprocess.Popen(SLEEP, env={MARK: str(tmp_path)})
    assert sweep(tmp_path) == 1
    assert marked.wait() == -9


def test_another_clouds_process_is_spared(tmp_path: Path) -> None:
    other = subprocess.Popen(SLEEP, env={MARK: str(tmp_path / "other")})
    assert sweep(tmp_path / "mine") == 0
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_spared_process_survives_the_sweep(tmp_path: Path) -> None:
    marked = subprocess.Popen(SLEEP, env={MARK: str(tmp_path)})
    assert sweep(tmp_path, spare={marked.pid}) == 0
    marked.kill()
    marked.wait()


def test_a_reused_process_id_is_not_taken_for_the_old_process(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / str(bystander.pid)).write_text("12345.00")
    assert sweep(tmp_path) == 0
    assert bystander.poll() is None


def test_a_spawned_process_has_exactly_the_environment_that_it_was_given(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("wb") as stdout:
        process = Registry(tmp_path).spawn(
            ["/usr/bin/env"], environment={"A": "b"}, folder=tmp_path, stdout=stdout, stderr=subprocess.DEVNULL
        )
        process.wait()
    assert set(out.read_text().split()) == {"A=b", f"{MARK}={tmp_path}"}
    assert os.getpid() not in Registry(tmp_path).sessions()


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere a process keeps the time of day at which it began")
def test_when_a_process_began_does_not_move_with_the_clock() -> None:
    """Against the kernel's own count: what `ps` shows follows the clock of the machine whenever that is set."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert born(psutil.Process()) == pytest.approx(ticks / os.sysconf("SC_CLK_TCK"), abs=0.05)
