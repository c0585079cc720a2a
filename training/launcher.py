"""Start a job in a container of the official image: `python3 <code>.zip train` (or another), the same here and in AWS.

The image lacks the ONNX converter and runtime, carries an old protobuf, and has no DuckDB. What a job needs of these
travels in the channel `libs`;
the launcher unpacks what the job needs and puts it ahead on the path, so that no job calls pip or the network. Whatever
goes wrong ends as one plain sentence in the file that SageMaker shows as the reason.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.errors import JobError
from training.workspace import Workspace

REASON_LENGTH: Final = 1024


@dataclass(frozen=True, slots=True)
class Job:
    """What sets one job apart: where its channels lie, which libraries it needs, where its reason goes."""

    module: str
    channels: str
    libraries: tuple[str, ...]
    reason: str


JOBS: Final[Mapping[str, Job]] = {
    "train": Job("training.train", "input/data", ("runtime", "convert"), "output/failure"),
    "shard": Job("training.shard", "processing/input", ("runtime", "convert"), "output/message"),
    "evaluate": Job("training.evaluate", "processing/input", ("runtime",), "output/message"),
    "validate": Job("training.validate", "processing/input", ("python",), "output/message"),
    "agree": Job("training.agree", "processing/input", ("runtime", "convert"), "output/message"),
}


class Terminated(BaseException):
    """SageMaker asked the job to stop."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job that the first argument names; returns the exit code."""
    named = list(sys.argv[1:] if arguments is None else arguments)
    if len(named) != 1 or named[0] not in JOBS:
        print(f"usage: python3 {sys.argv[0]} {'|'.join(JOBS)} (given: {named})", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _terminate)
    job, base = JOBS[named[0]], Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        with tempfile.TemporaryDirectory(prefix="retide-") as folder:
            _run(job, base, Path(folder))
    except Terminated:
        return _fail(base / job.reason, "The job was asked to stop before it had finished.", 143)
    except Exception as error:  # noqa: BLE001 - whatever it is, a person must read why
        return _fail(base / job.reason, _explain(error), 1)
    return 0


def _terminate(_signal: int, _frame: object) -> None:
    raise Terminated


def _run(job: Job, base: Path, folder: Path) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # sums in one order: the same data gives the same bytes
    sys.dont_write_bytecode = True  # what travels with a model is what was shipped, not what a run left behind
    unpack(Path(sys.argv[0]), folder / "code")
    archive = library_archive(base / job.channels / "libs")
    _put_ahead([folder / "code"])

    def bring(name: str) -> None:
        unpack(archive, folder, f"{name}/")
        _put_ahead([folder / name])

    for name in job.libraries:
        bring(name)
    workspace = Workspace(base, folder / "code", folder / "runtime", dict(os.environ), bring)
    importlib.import_module(job.module).run(workspace)


def unpack(archive: Path, target: Path, prefix: str = "") -> None:
    """Unpack the members under `prefix`; raises JobError where there is none, or the archive is broken."""
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [name for name in packed.namelist() if name.startswith(prefix)]
            packed.extractall(target, members)
    except (OSError, zipfile.BadZipFile) as error:
        raise JobError(f"The archive {archive.name} cannot be unpacked: {error}.") from error
    if not members:
        raise JobError(f"The archive {archive.name} holds nothing under {prefix!r}; lay the bundles again and deploy.")


def library_archive(channel: Path) -> Path:
    """The one zip of the channel `libs`."""
    found = sorted(channel.glob("*.zip"))
    if len(found) != 1:
        raise JobError(f"The channel {channel} must hold one zip of libraries; it holds {len(found)}.")
    return found[0]


def _put_ahead(folders: Sequence[Path]) -> None:
    """For this process and for those that it starts."""
    paths = [str(folder) for folder in folders]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])


def _explain(error: Exception) -> str:
    """A JobError explains itself; anything else is named with the line that raised it, and the log has the rest."""
    if isinstance(error, JobError):
        return str(error)
    traceback.print_exception(error, file=sys.stderr)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"The job failed with {type(error).__name__}: {error} (at {Path(last.filename).name}, line {last.lineno})."


def _fail(file: Path, reason: str, code: int) -> int:
    print(reason, file=sys.stderr)
    file.parent.mkdir(parents=True, exist_ok=True)
    encoded = " ".join(reason.split()).encode()[:REASON_LENGTH]
    file.write_text(encoded.decode(errors="ignore"), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
