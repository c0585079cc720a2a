"""Run the instances that train XGBoost together as processes of this machine, each with its share of the shards."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.cli.failures import CliError

BRIEF: Final = "brief/boosting.json"
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Cluster:
    """`python` stands in for the image, `code` is the zip that each host runs, `variables` its environment."""

    python: Path
    code: Path
    variables: Mapping[str, str]

    def train(self, sharded: Path, instances: int, folder: Path) -> Path:
        """The model's folder; `sharded` is what the job `shard` has left. Raises CliError with a host's own reason."""
        hosts = [f"127.0.0.{number}" for number in range(1, instances + 1)]
        brief = json.loads((sharded / BRIEF).read_text(encoding="utf-8"))
        brief["port"] = _free_port()
        for place, host in enumerate(hosts):
            _lay(sharded / "shards", folder / host, hosts, place)
            (folder / host / "input/data" / BRIEF).write_text(json.dumps(brief), encoding="utf-8")
        running = {host: self._start(folder / host) for host in hosts}
        if failed := _first_to_fail(running):
            raise CliError(f"{failed}, one of {instances} that learn together, failed: {_reason(folder / failed)}")
        return folder / hosts[0] / "model"

    def _start(self, base: Path) -> subprocess.Popen[bytes]:
        variables = {**self.variables, "OMP_WAIT_POLICY": "passive", "SAGEMAKER_BASE_DIR": str(base)}
        with (base / "log.txt").open("wb") as log:
            return subprocess.Popen(
                [self.python, self.code, "boost"], env=variables, stdout=log, stderr=subprocess.STDOUT
            )


def _lay(shards: Path, base: Path, hosts: list[str], place: int) -> None:
    """As SageMaker gives each instance every n-th object of a channel."""
    for name in ("data/brief", "data/shards", "config"):
        (base / "input" / name).mkdir(parents=True)
    for file in sorted(shards.iterdir())[place :: len(hosts)]:
        (base / "input/data/shards" / file.name).symlink_to(file.resolve())
    cluster = {"current_host": hosts[place], "hosts": hosts}
    (base / "input/config/resourceconfig.json").write_text(json.dumps(cluster), encoding="utf-8")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _first_to_fail(running: Mapping[str, subprocess.Popen[bytes]]) -> str | None:
    """Waits for all; where one fails the others, which would wait for it, are ended."""
    try:
        while any(process.poll() is None for process in running.values()):
            if failed := next((host for host, process in running.items() if process.poll()), None):
                return failed
            time.sleep(POLL_SECONDS)
        return next((host for host, process in running.items() if process.returncode), None)
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _reason(base: Path) -> str:
    said = base / "output/failure"
    if said.is_file():
        return said.read_text(encoding="utf-8")
    return (base / "log.txt").read_text(encoding="utf-8", errors="replace").strip()[-500:]
