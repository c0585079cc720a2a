"""Starts, finds and stops the local cloud from another process: what the command line and the tests use."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import urllib3

from retide.local.interfaces import ACCOUNT, CALLS, CLOCK, FAULTS, HOST, REGION, SCHEDULES, Json, LocalCloudError
from retide.local.processes import MARK, is_living, sweep
from retide.local.state import State

REPOSITORIES: Final = "/_retide/repositories"
CONNECTIONS: Final = "/_retide/connections"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0  # urllib3's own 3 are too few for a busy machine


@dataclass(frozen=True, slots=True)
class Running:
    """A local cloud that answers."""

    endpoint_url: str
    port: int
    pid: int
    region: str = REGION
    account: str = ACCOUNT

    def environment(self) -> dict[str, str]:
        """What boto3, the AWS CLI and the CDK CLI need in their environment to reach this cloud and no other."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "CDK_DEFAULT_ACCOUNT": self.account,
            "CDK_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def change_time(self, **changes: object) -> Json:
        """Set the cloud's time: hold, advance, release, wait_scale. Raises LocalCloudError when it is refused."""
        return self._ask("POST", CLOCK, changes)

    def inject(self, kind: str, effect: str, **fault: object) -> str:
        """Ask for a fault (see retide/local/faults/rules.py); its id. Raises LocalCloudError when it is refused."""
        return str(self._ask("POST", FAULTS, {"kind": kind, "effect": effect, **fault})["id"])

    def faults(self) -> list[Json]:
        """Every fault that was asked for, with how often it was `seen` and `struck`."""
        found: list[Json] = self._ask("GET", FAULTS)["faults"]
        return found

    def clear_faults(self) -> None:
        self._ask("DELETE", FAULTS)

    def calls(self, after: int = 0) -> Json:
        """The calls that reached the cloud since call number `after`: {calls, forgotten, last}."""
        return self._ask("GET", f"{CALLS}?after={after}")

    def fire_schedule(self, name: str) -> str:
        """Fire a schedule now, by its name or a unique part of it; the whole name."""
        return str(self._ask("POST", f"{SCHEDULES}/fire", {"name": name})["fired"])

    def make_repository(self, name: str) -> Path:
        """The folder of a bare git repository (owner/name), made where it is not; the cloud hears of pushes to it."""
        return Path(self._ask("POST", REPOSITORIES, {"repository": name})["path"])

    def complete_connection(self, arn: str) -> None:
        """The handshake of a connection to a git host, which a person makes in the console."""
        self._ask("POST", CONNECTIONS, {"connection": arn})

    def _ask(self, method: str, path: str, body: object = None) -> Json:
        response = urllib3.request(method, f"{self.endpoint_url}{path}", json=body, timeout=ANSWER_SECONDS)
        answer: Json = response.json()
        if response.status >= 400:
            raise LocalCloudError(answer["message"])
        return answer


class LocalCloud:
    """One local cloud, whose whole state lies under `home`; `images` maps a job image's name:tag to its interpreter.

    With `bound`, the cloud ends together with the process that started it, however that ends.
    """

    def __init__(
        self,
        home: Path,
        images: Mapping[str, Path],
        *,
        port: int | None = None,
        wait_scale: float = 1.0,
        bound: bool = False,
    ) -> None:
        self._home = home.resolve()
        self._images = images
        self._port = port or 0
        self._wait_scale = wait_scale
        self._bound = bound
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return self._home / "cloud.log"

    def start(self) -> Running:
        """Start and return when requests are answered. Raises LocalCloudError, then nothing was left running."""
        self._refuse_to_start_twice()
        told, tell = os.pipe()
        try:
            self._server = self._spawn(tell)
        finally:
            os.close(tell)
        message = _hear(told)
        if "port" not in message:
            _collect(self._server)
            raise LocalCloudError(message.get("error") or f"the local cloud did not start: see {self.log_path}")
        return Running(f"http://{HOST}:{message['port']}", message["port"], self._server.pid)

    def running(self) -> Running | None:
        state = State.read(self._home)
        return Running(state.endpoint_url, state.port, state.pid) if state else None

    def crashed(self) -> bool:
        """Whether a cloud ran here and ended without `stop`; a start or a stop clears that."""
        return State.is_left_behind(self._home)

    def stop(self) -> None:
        """End the server and everything that it has started; does nothing where nothing runs."""
        state = State.read(self._home)
        if state:
            _end(state)
        if self._server:
            _collect(self._server)
        sweep(self._home)  # also ends a server that is only starting, or whose note was deleted
        State.remove(self._home)

    def _refuse_to_start_twice(self) -> None:
        running = self.running()
        if running:
            raise LocalCloudError(
                f"a local cloud already runs in {self._home} at {running.endpoint_url} (process {running.pid}): "
                "use it, or stop it first"
            )

    def _spawn(self, tell: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "retide.local.server", "--home", str(self._home), "--port", str(self._port)]
        command += [word for name, python in self._images.items() for word in ("--image", f"{name}={python}")]
        command += ["--wait-scale", str(self._wait_scale), "--notify", str(tell)]
        command += ["--bound-to-stdin"] if self._bound else []
        with self._open_log() as log:
            return subprocess.Popen(
                command,
                env={**os.environ, MARK: str(self._home)},
                stdin=subprocess.PIPE if self._bound else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(tell,),
                start_new_session=True,
            )

    def _open_log(self) -> IO[bytes]:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            return self.log_path.open("wb")
        except OSError as error:
            raise LocalCloudError(
                f"cannot write to {self._home} ({error.strerror}): choose another folder with RETIDE_HOME"
            ) from None


def _hear(told: int) -> Json:
    """The server's one message; empty when it ended, or stayed silent for too long, without a word."""
    with os.fdopen(told) as pipe:
        readable, _, _ = select.select([pipe], [], [], START_SECONDS)
        text = pipe.read() if readable else ""
    message: Json = json.loads(text) if text else {}
    return message


def _collect(server: subprocess.Popen[bytes]) -> None:
    """Wait for our own child, so that it does not stay as a zombie; one that hangs is killed."""
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if server.stdin:
        server.stdin.close()


def _end(state: State) -> None:
    """Ask the server to end, insist after a while, and see its reaper off as well."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not state.is_alive():
            break
        os.kill(state.pid, number)
        _wait_for(lambda: not state.is_alive())
    _wait_for(lambda: not is_living(state.reaper))


def _wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)
