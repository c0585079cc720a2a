"""Starting and stopping: one clear line when it cannot be, and nothing left running however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from retide.local.cloud import LocalCloud
from retide.local.interfaces import LocalCloudError
from retide.local.processes import MARK, lives
from retide.local.state import State
from tests.contract.local.account import Account
from tests.patience import eventually

SLOW = "import time\ndef handler(event, context): time.sleep(600)\n"
ECHO = "def handler(event, context): return 'awake'\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def cloud(home: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(home, {}, bound=True)
    yield cloud
    cloud.stop()


def family(home: Path) -> list[psutil.Process]:
    """Every living process that names the home of this cloud: server, reaper, Lambda workers."""
    return [process for process in psutil.process_iter() if str(home) in _words(process) and lives(process)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return [*process.cmdline(), process.environ().get(MARK, "")]
    except (psutil.Error, OSError):
        return []


def with_a_worker(cloud: LocalCloud) -> Account:
    """Start, and leave a warm Lambda worker behind."""
    account = Account(cloud.start().endpoint_url)
    assert account.invoke(account.function(ECHO)) == "awake"
    return account


def working_hard(account: Account, home: Path) -> None:
    """Leave a function running that will not end by itself for a long time."""
    account.functions.invoke(FunctionName=account.function(SLOW, Timeout=600), InvocationType="Event")
    eventually(lambda: len(family(home)) >= 3, "the function runs")


def test_a_started_cloud_answers_and_is_found_from_elsewhere(cloud: LocalCloud, home: Path) -> None:
    started = cloud.start()
    assert LocalCloud(home, {}).running() == started
    assert Account(started.endpoint_url).client("sts").get_caller_identity()["Account"] == started.account


def test_stop_leaves_no_process_and_no_temporary_file(cloud: LocalCloud, home: Path) -> None:
    with_a_worker(cloud)
    assert len(family(home)) >= 3
    cloud.stop()
    assert family(home) == []
    assert cloud.running() is None
    assert not (home / "tmp").exists()


def test_stop_ends_a_cloud_that_another_process_started(home: Path, cloud: LocalCloud) -> None:
    with_a_worker(cloud)
    LocalCloud(home, {}).stop()
    assert family(home) == []


def test_stop_does_nothing_where_nothing_runs(home: Path) -> None:
    LocalCloud(home, {}).stop()
    assert not home.exists()


def test_a_second_start_is_refused_and_says_where_the_first_one_is(cloud: LocalCloud, home: Path) -> None:
    running = cloud.start()
    with pytest.raises(LocalCloudError, match=f"already runs in {home} at {running.endpoint_url}"):
        LocalCloud(home, {}).start()
    assert cloud.running() == running


def test_a_taken_port_is_refused_and_nothing_stays(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalCloudError, match=rf"127\.0\.0\.1:{port} .*choose another"):
            LocalCloud(home, {}, port=port).start()
    assert family(home) == []


def test_a_port_that_cannot_be_is_refused(home: Path) -> None:
    with pytest.raises(LocalCloudError, match=r":99999 .*1 to 65535"):
        LocalCloud(home, {}, port=99999).start()


def test_a_given_port_is_used(home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cloud = LocalCloud(home, {}, port=port, bound=True)
    assert cloud.start().port == port
    cloud.stop()


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalCloudError, match=r"cannot write to .*/file/home .*RETIDE_HOME"):
        LocalCloud(tmp_path / "file" / "home", {}).start()


@pytest.mark.parametrize(
    ("note", "crashed"),
    [('{"pid": 4194305, "port": 1, "born": 1.0, "reaper": 4194305}', True), ("{not json", False), ("{}", False)],
)
def test_a_dead_note_tells_of_a_crash_and_does_not_hinder_a_start(
    note: str, crashed: bool, cloud: LocalCloud, home: Path
) -> None:
    home.mkdir()
    (home / "cloud.json").write_text(note)
    assert cloud.running() is None
    assert cloud.crashed() is crashed
    assert cloud.start().port
    assert not cloud.crashed()


def test_a_cloud_that_was_killed_has_crashed_until_it_is_stopped(cloud: LocalCloud, home: Path) -> None:
    running = cloud.start()
    assert not cloud.crashed()
    os.kill(running.pid, signal.SIGKILL)
    eventually(cloud.crashed, "the death is noticed")
    cloud.stop()
    assert not cloud.crashed()


def test_a_killed_server_takes_its_workers_along_and_can_be_started_again(cloud: LocalCloud, home: Path) -> None:
    with_a_worker(cloud)
    running = cloud.running()
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    eventually(lambda: not family(home), "the reaper ends the workers and itself")
    assert cloud.running() is None
    again = LocalCloud(home, {}, bound=True)
    assert with_a_worker(again).client("sts").get_caller_identity()["Account"]
    again.stop()


def test_stop_cleans_up_when_server_and_reaper_were_both_killed(cloud: LocalCloud, home: Path) -> None:
    working_hard(Account(cloud.start().endpoint_url), home)
    state = State.read(home)
    assert state is not None
    os.kill(state.reaper, signal.SIGKILL)
    os.kill(state.pid, signal.SIGKILL)
    eventually(lambda: len(family(home)) == 1, "only the function is left")
    cloud.stop()
    assert family(home) == []


def test_stop_ends_a_cloud_whose_home_was_deleted(cloud: LocalCloud, home: Path) -> None:
    with_a_worker(cloud)
    shutil.rmtree(home)
    LocalCloud(home, {}).stop()
    eventually(lambda: not family(home), "server, worker and reaper are gone")
    assert not home.exists()


def test_a_bound_cloud_ends_with_the_process_that_started_it(home: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from retide.local.cloud import LocalCloud\n"
        "LocalCloud(Path(sys.argv[1]), {}, bound=True).start(); print('up', flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not family(home), "the cloud ends with its parent")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_cloud_in_the_foreground_ends_cleanly_in_the_middle_of_its_work(number: signal.Signals, home: Path) -> None:
    read, write = os.pipe()
    command = [sys.executable, "-m", "retide.local.server", "--home", str(home), "--notify", str(write)]
    server = subprocess.Popen(command, pass_fds=(write,), start_new_session=True, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as told:
        told.read()
    running = LocalCloud(home, {}).running()
    assert running is not None
    working_hard(Account(running.endpoint_url), home)
    os.killpg(server.pid, number)
    assert server.wait(20) == 0
    eventually(lambda: not family(home), "nothing is left")
    assert not (home / "cloud.json").exists()


def test_the_log_says_what_happened(cloud: LocalCloud) -> None:
    running = cloud.start()
    assert f"Port {running.port}" in cloud.log_path.read_text()


def test_the_environment_for_clients_reaches_this_cloud_and_no_account(cloud: LocalCloud) -> None:
    running = cloud.start()
    environment = running.environment()
    assert environment["AWS_ENDPOINT_URL"] == running.endpoint_url
    assert environment["CDK_DEFAULT_ACCOUNT"] == "000000000000"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
