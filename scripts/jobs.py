"""Run the real jobs of a model as their container would, without Docker: the image's packages, a folder for /opt/ml."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from retide.domain.contract import Contract
from retide.domain.dataset import Part, Selection, dataset_id
from retide.domain.split import bucket_threshold

ROOT: Final = Path(__file__).resolve().parent.parent
PYTHON: Final = ROOT / ".venv-jobs/bin/python"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: its exit code, the reason that SageMaker would show (empty where all went well), its log."""

    code: int
    reason: str
    log: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Curated rows as Parquet, and the manifest that freezes them."""

    files: Mapping[str, Path]
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, rows: Path, sha256: str, count: int, contract: Contract) -> Dataset:
        """One accepted file as a whole dataset: all of its rows, whatever the contract's window."""
        selection = Selection((Part("sample", "sample", "1", sha256, count),))
        manifest = {
            "dataset": dataset_id(selection, contract),
            "objects": [asdict(part) for part in selection.parts],
            "bucket_threshold": bucket_threshold(contract),
            "cutoff": selection.cutoff,
        }
        return cls({sha256: rows}, manifest)

    @property
    def id(self) -> str:
        return str(self.manifest["dataset"])


def lay(dataset: Dataset, channels: Path) -> None:
    """Write the channels `data` and `dataset`; another dataset that was there is gone."""
    for name in ("data", "dataset"):
        (channels / name).mkdir(parents=True, exist_ok=True)
    for file in (channels / "data").iterdir():
        file.unlink()
    for name, rows in dataset.files.items():
        (channels / "data" / f"{name}.parquet").symlink_to(rows.resolve())
    (channels / "dataset/manifest.json").write_text(json.dumps(dataset.manifest))


def code_archive(target: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


class Jobs:
    """Both jobs of one model in one folder: what `train` leaves, `keep_model` lays where `evaluate` finds it."""

    def __init__(
        self, base: Path, model: str, files: Mapping[str, bytes], libs: Path, *, limit_seconds: float = 900
    ) -> None:
        """`files` is the code, `libs` the zip of libraries that travels with it; no job runs longer than the limit."""
        self.base, self.model, self.dataset, self.limit_seconds = base, model, "", limit_seconds
        self.channels = {"train": base / "input/data", "evaluate": base / "processing/input"}
        for channels in self.channels.values():
            for name in ("code", "libs"):
                (channels / name).mkdir(parents=True)
            code_archive(channels / "code/code.zip", files)
            (channels / "libs/libs.zip").symlink_to(libs)

    def give(self, dataset: Dataset) -> None:
        """Lay a dataset into the channels of both jobs."""
        self.dataset = dataset.id
        for channels in self.channels.values():
            lay(dataset, channels)

    def configure(self, **replaced: str) -> None:
        """The hyperparameters, all of them text."""
        settings = {"model": self.model, "dataset": self.dataset, "code_digest": "c", "seed": "0", "params": "{}"}
        file = self.base / "input/config/hyperparameters.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**settings, **replaced}))

    def train(self, job: str = "job-1", **replaced: str) -> Outcome:
        self.configure(**replaced)
        return self.run("train", self.base / "output/failure", TRAINING_JOB_NAME=job)

    def evaluate(self, challenger: str = "job-1", champion: str = "") -> Outcome:
        named = {"RETIDE_MODEL": self.model, "RETIDE_DATASET": self.dataset}
        models = {"RETIDE_CHALLENGER": challenger, "RETIDE_CHAMPION": champion}
        return self.run("evaluate", self.base / "output/message", **named, **models)

    def run(self, job: str, reason: Path, **environment: str) -> Outcome:
        reason.unlink(missing_ok=True)
        with (self.base / f"{job}.log").open("w+", encoding="utf-8", errors="replace") as log:
            code = self._ended(job, environment, log)
            log.seek(0)
            told = log.read()
        said = reason.read_text() if reason.is_file() else ""
        if code is None:
            return Outcome(124, f"The job was stopped: it did not end within {self.limit_seconds:g} seconds.", told)
        return Outcome(code, said, told)

    def _ended(self, job: str, environment: Mapping[str, str], log: IO[str]) -> int | None:
        """The exit code of a job that ended within its time."""
        given = self.environment(environment)
        try:
            return subprocess.run(
                self.command(job),
                env=given,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=self.limit_seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return None

    def command(self, job: str) -> list[str]:
        return [str(PYTHON), str(self.channels[job] / "code/code.zip"), job]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        scratch = {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
        return {"PATH": os.environ["PATH"], **scratch, "SAGEMAKER_BASE_DIR": str(self.base), **more}

    def keep_model(self, job: str = "job-1") -> Path:
        """What SageMaker does after training: the model folder becomes model.tar.gz, here among the candidates."""
        return self.keep(self.base / "model", job)

    def keep(self, folder: Path, job: str) -> Path:
        target = self.channels["evaluate"] / "candidates" / job / "output/model.tar.gz"
        target.parent.mkdir(parents=True)
        with tarfile.open(target, "w:gz", compresslevel=1) as archive:
            archive.add(folder, ".")
        return target

    def output(self, name: str) -> Any:
        return json.loads((self.base / "processing/output/evaluation" / name).read_text())
