"""Runs one local cloud in the foreground: MiniStack's gateway on a loopback port, with our services beside its own."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from retide.local.interfaces import ACCOUNT, HOST, REGION, LocalCloudError
from retide.local.processes import MARK, sweep
from retide.local.state import State

BACKLOG: Final = 1024
KEPT: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""What a Lambda function inherits from this machine; everything else would be more than AWS gives it."""


@dataclass(frozen=True, slots=True)
class Options:
    home: Path
    port: int
    images: Mapping[str, Path]
    wait_scale: float
    notify: int | None
    bound_to_stdin: bool


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    try:
        _run(options)
    except LocalCloudError as error:
        _tell(options.notify, {"error": str(error)})
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(options: Options) -> None:
    lock = _exclusive(options.home)
    _clean(options.home)
    listener = _listen(options.port)
    port = listener.getsockname()[1]
    reaper = _start_reaper(options.home)
    _set_environment(options, port)
    try:
        _serve(options, listener, State.of_this_process(port, reaper.pid))
    finally:
        State.remove(options.home)
        _clean(options.home)
        lock.close()


def _serve(options: Options, listener: socket.socket, state: State) -> None:
    from retide.local.assembly import serve  # late: MiniStack reads its environment while it is imported

    def ready() -> None:
        state.write(options.home)
        _tell(options.notify, {"port": state.port})

    if options.bound_to_stdin:
        threading.Thread(target=_stop_with_parent, daemon=True).start()
    asyncio.run(serve(options.home, options.images, listener, ready))


def _exclusive(home: Path) -> IO[str]:
    """The lock that one cloud holds on its home for as long as it lives."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "cloud.lock").open("w")
    except OSError as error:
        raise LocalCloudError(
            f"cannot write to {home} ({error.strerror}): choose another folder with RETIDE_HOME"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise LocalCloudError(f"{_who_runs(home)}: use it, or stop it first") from None
    return lock


def _who_runs(home: Path) -> str:
    state = State.read(home)
    where = f" at {state.endpoint_url} (process {state.pid})" if state else ""
    return f"a local cloud already runs in {home}{where}"


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "ports go from 1 to 65535"
        raise LocalCloudError(
            f"cannot listen on {HOST}:{port} ({reason}): free the port or choose another one"
        ) from None
    listener.listen(BACKLOG)
    return listener


def _clean(home: Path) -> None:
    """Nothing of an earlier life stays: no process, no temporary file."""
    sweep(home)
    shutil.rmtree(home / "tmp", ignore_errors=True)


def _start_reaper(home: Path) -> subprocess.Popen[bytes]:
    """Its standard input is ours to hold open: it ends when this process ends, and then cleans up."""
    return subprocess.Popen(
        [sys.executable, "-m", "retide.local.reaper", str(home)],
        env={name: value for name, value in os.environ.items() if name != MARK},  # it must survive its own sweep
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _set_environment(options: Options, port: int) -> None:
    temporary = options.home / "tmp"
    temporary.mkdir()
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(
        kept,
        **{MARK: str(options.home)},
        TMPDIR=str(temporary),
        STATE_DIR=str(temporary / "state"),
        S3_DATA_DIR=str(temporary / "s3"),
        GATEWAY_PORT=str(port),
        BIND_HOST=HOST,
        MINISTACK_HOST=HOST,
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        MINISTACK_REGION=REGION,
        SFN_WAIT_SCALE=str(options.wait_scale),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        DOCKER_HOST=f"unix://{temporary}/no-docker",
        AWS_ENDPOINT_URL=f"http://{HOST}:{port}",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106, the emulator takes any
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true",
    )


def _stop_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _tell(notify: int | None, message: Mapping[str, object]) -> None:
    if notify is not None:
        with os.fdopen(notify, "w") as pipe:
            json.dump(message, pipe)


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m retide.local.server", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for everything that this cloud writes")
    parser.add_argument("--port", type=int, default=0, help="loopback port; a free one without this option")
    parser.add_argument("--image", action="append", default=[], type=_image, help="NAME:TAG=PYTHON, repeatable")
    parser.add_argument("--wait-scale", type=_factor, default=1.0, help="factor on every wait of Step Functions")
    parser.add_argument("--notify", type=int, help="file descriptor that hears one line of JSON about the start")
    parser.add_argument("--bound-to-stdin", action="store_true", help="stop when standard input ends")
    given = parser.parse_args(arguments)
    return Options(
        given.home.resolve(), given.port, dict(given.image), given.wait_scale, given.notify, given.bound_to_stdin
    )


def _factor(text: str) -> float:
    factor = float(text)
    if not 0 <= factor < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be a finite number of at least 0")
    return factor


def _image(text: str) -> tuple[str, Path]:
    name, equals, python = text.rpartition("=")
    if not equals or ":" not in name:
        raise argparse.ArgumentTypeError(f"{text!r} must look like NAME:TAG=PYTHON")
    return name, Path(python).absolute()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # threads of running executions must not hold up the end
