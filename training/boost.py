"""Let XGBoost learn on all instances of a training job together, each from its shards; the first one keeps the model.

It runs in the image sagemaker-xgboost:3.0-5: Python 3.10, with nothing of Retide beside it and no library but what that
image has. All that it does stands in the brief that the job `shard` has written.
"""

import hashlib
import json
import os
import shutil
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from xgboost import collective
from xgboost.tracker import RabitTracker

RETRIES = 10  # of a host that is there before the tracker, with longer and longer pauses
LEAVING_SECONDS = 60
REASON_LENGTH = 1024
BRIEF = "boosting.json"
BOOSTER = "booster.ubj"


class Refused(Exception):
    """What this host was given is not what the brief says; the text is one sentence."""


class Shards(xgboost.DataIter):
    """One file after another, the target in its first column: XGBoost keeps the bins of the rows, not the rows."""

    def __init__(self, files: list[Path]) -> None:
        super().__init__()
        self._files = files
        self._place = 0

    def next(self, input_data: Callable[..., None]) -> bool:
        if self._place == len(self._files):
            return False
        rows = np.load(self._files[self._place], allow_pickle=False)
        self._place += 1
        input_data(data=rows[:, 1:], label=rows[:, 0])
        return True

    def reset(self) -> None:
        self._place = 0


def main() -> int:
    """Returns the exit code; why it failed stands in the file that SageMaker shows as the reason."""
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        learn(base)
    except Exception as error:  # noqa: BLE001 - whatever it is, a person must read why
        return fail(base / "output/failure", error)
    return 0


def learn(base: Path) -> None:
    brief: dict[str, Any] = json.loads((base / "input/data/brief" / BRIEF).read_text(encoding="utf-8"))
    cluster = json.loads((base / "input/config/resourceconfig.json").read_text(encoding="utf-8"))
    host, hosts = cluster["current_host"], sorted(cluster["hosts"])
    files, rows = given(base / "input/data/shards", brief["shards"], host)
    print(f"{host} learns from {rows} of {brief['rows']} rows, in {len(files)} of {len(brief['shards'])} shards")
    with joined(host, hosts, brief["port"]):
        together = int(collective.allreduce(np.array([rows], dtype=np.int64), collective.Op.SUM)[0])
        if together != brief["rows"]:
            raise Refused(f"the {len(hosts)} hosts hold {together} rows together, and the brief says {brief['rows']}")
        params = {**brief["params"], "nthread": os.cpu_count() or 1}
        data = xgboost.QuantileDMatrix(Shards(files), max_bin=params.get("max_bin", 256))
        model = xgboost.train(params, data, brief["rounds"])
    if host == hosts[0]:
        (base / "model").mkdir(parents=True, exist_ok=True)
        model.save_model(base / "model" / BOOSTER)
        shutil.copyfile(base / "input/data/brief" / BRIEF, base / "model" / BRIEF)


def given(folder: Path, shards: dict[str, Any], host: str) -> tuple[list[Path], int]:
    """The shards of this host and how many rows they hold; raises Refused for one that is not as it was written."""
    files = sorted(folder.rglob("*.npy"))
    if not files:
        raise Refused(f"{host} was given no shard")
    for file in files:
        if file.name not in shards:
            raise Refused(f"{host} was given {file.name}, of which the brief knows nothing")
        if hashlib.sha256(file.read_bytes()).hexdigest() != shards[file.name]["sha256"]:
            raise Refused(f"{file.name} on {host} is not as it was written: its sha256 is another one")
    return files, sum(shards[file.name]["rows"] for file in files)


@contextmanager
def joined(host: str, hosts: list[str], port: int) -> Iterator[None]:
    """The collective of all hosts; the first one counts them in, for as long as they work."""
    tracker = RabitTracker(len(hosts), address(host), port, sortby="task") if host == hosts[0] else None
    if tracker:
        tracker.start()
    place: dict[str, Any] = {
        "dmlc_tracker_uri": address(hosts[0]),
        "dmlc_tracker_port": port,
        "dmlc_task_id": str(hosts.index(host)),
    }
    with collective.CommunicatorContext(**place, dmlc_retry=RETRIES):
        yield
    if tracker:
        tracker.wait_for(LEAVING_SECONDS)


def address(host: str) -> str:
    """Of a host by its name, as soon as there is one."""
    while (found := resolved(host)) is None:
        time.sleep(1)
    return found


def resolved(host: str) -> str | None:
    try:
        return socket.gethostbyname(host)
    except OSError:
        return None


def fail(file: Path, error: Exception) -> int:
    traceback.print_exception(type(error), error, error.__traceback__)
    known = isinstance(error, Refused)
    reason = f"{error}." if known else f"The job failed with {type(error).__name__}: {error}"
    reason = " ".join(f"{reason[:1].upper()}{reason[1:]}".split())
    print(reason, file=sys.stderr)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(reason.encode()[:REASON_LENGTH].decode(errors="ignore"), encoding="utf-8")
    return 1


if __name__ == "__main__":
    sys.exit(main())
