"""Runs inside namespaces: the image's `serve` without network, read-only but for /tmp, as nobody; tells what it met.

`python sandbox.py PYTHON MODEL` as the first process of `unshare --net --mount --pid --fork`: PYTHON is that of the
toolkit's environment, MODEL becomes /opt/ml/model.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

NOBODY: Final = 65534
PORT: Final = 8080
IFF_UP: Final = 0x1
SIOCSIFFLAGS: Final = 0x8914
START_SECONDS: Final = 60.0
WRITABLE: Final = ("/proc", "/sys", "/dev", "/tmp")
PROBES: Final = ("/opt/ml/model/x", "/opt/ml/model/code/x", "/opt/ml/x", "/var/tmp/x", "/dev/shm/x", "/tmp/x")


# The toolkit as published was written for Python 3.9 and asks for a name that 3.10 took away; the image for 3.12 must
# have mended that. Everything else is its own `serve`, which starts gunicorn in a process that knows nothing of this.
SERVE: Final = """
import collections, collections.abc
collections.Mapping = collections.abc.Mapping
from sagemaker_containers.cli.serve import main
main()
"""


def main() -> None:
    python, model = Path(sys.argv[1]), Path(sys.argv[2])
    _loopback()
    _run("mount", "--make-rprivate", "/")
    _open_up(python.resolve().parents[1])
    _file_system(model)
    environment = {**json.loads(os.environ["SANDBOX_ENVIRONMENT"]), "PATH": f"{python.parent}:/usr/bin:/bin"}
    began = time.monotonic()
    with Path("/tmp/log").open("wb") as log:
        server = subprocess.Popen(
            [python, "-c", SERVE],
            env=environment,
            cwd="/",
            stdout=log,
            stderr=log,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
    try:
        _await(server)
        told = {"start_seconds": time.monotonic() - began, **_met()}
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(20)
    print(json.dumps({**told, "exit": code, "log": Path("/tmp/log").read_text()}))


def _loopback() -> None:
    """A new network has nothing, and its loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _open_up(prefix: Path) -> None:
    """Let others enter the home that an interpreter lies in: seen from in here, nothing else is in that home."""
    closed = next((parent for parent in reversed(prefix.parents) if not parent.stat().st_mode & 0o001), None)
    if closed is None:
        return
    _run("mount", "--bind", str(prefix), "/mnt")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(closed))
    prefix.mkdir(parents=True)
    _run("mount", "--move", "/mnt", str(prefix))


def _file_system(model: Path) -> None:
    """The model at its place, a /tmp of its own, and everything else as it is, but not to be written to."""
    _run("mount", "-t", "tmpfs", "tmpfs", "/opt")
    for name in (
        "model",
        "code",
    ):  # the toolkit makes the second where it is missing, so in an image that works it is not
        Path("/opt/ml", name).mkdir(parents=True)
    _run("mount", "--bind", str(model), "/opt/ml/model")
    _run("mount", "-t", "tmpfs", "tmpfs", "/tmp")
    Path("/tmp").chmod(0o1777)
    _run("mount", "-t", "proc", "proc", "/proc")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1].replace("\\040", " ")
        if not place.startswith(WRITABLE) or place == "/dev/shm":
            _run("mount", "-o", "remount,bind,ro", place)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _drop() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _await(server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            if ask("GET", "/ping")["status"] == 200:
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"serve did not start: {Path('/tmp/log').read_text()}")


def ask(method: str, path: str, body: bytes = b"", kind: str = "application/json") -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    connection.request(method, path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return {"status": answer.status, "body": text, "headers": dict(answer.getheaders())}


def _met() -> dict[str, Any]:
    asked = json.loads(os.environ["SANDBOX_REQUESTS"])
    return {
        "answers": [ask("POST", "/invocations", request["body"].encode(), request["kind"]) for request in asked],
        "users": sorted(set(_users())),
        "writable": [place for place in PROBES if _as_nobody(lambda place=place: Path(place).touch())],
        "reaches": _as_nobody(lambda: socket.create_connection(("192.0.2.1", 80), timeout=2)),
    }


def _users() -> list[int]:
    """Of every process of gunicorn in here."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        words = (folder / "cmdline").read_bytes()
        if b"gunicorn" in words:
            found.append(folder.stat().st_uid)
    return found


def _as_nobody(attempt: Any) -> bool:
    """Whether somebody with the server's rights can do it."""
    pid = os.fork()
    if pid == 0:
        _drop()
        try:
            attempt()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


if __name__ == "__main__":
    main()
