"""A container of the official image without Docker: its interpreter, a folder for /opt/ml, and the real bundles."""

import io
import json
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from infra import bundles
from retide.contracts import catalogue
from retide.domain.contract import Contract

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = ROOT / ".venv-jobs/bin/python"
DATASET: Final = "d1"


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    reason: str
    log: str


def code_archive(target: Path, contract: Contract, model: str | None) -> Path:
    """The training asset of this checkout, with one more model in it."""
    files = bundles.training_files(ROOT, catalogue(ROOT))
    files[f"models/{contract.model}/contract.json"] = json.dumps(contract.to_dict()).encode()
    files[f"models/{contract.model}/code_digest.txt"] = b"c"
    if model is not None:
        files[f"models/{contract.model}/model.py"] = model.encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def write_dataset(
    channels: Path, tables: Mapping[str, pa.Table], threshold: int = 2000, cutoff: str | None = None
) -> None:
    """The channels `data` and `dataset`; the tables stand in the order in which they arrived."""
    for name in ("data", "dataset"):
        (channels / name).mkdir(parents=True, exist_ok=True)
    for name, content in tables.items():
        pq.write_table(content, channels / "data" / f"{name}.parquet")
    objects = [{"curated": name} for name in tables]
    manifest = {"dataset": DATASET, "objects": objects, "bucket_threshold": threshold, "cutoff": cutoff}
    (channels / "dataset/manifest.json").write_text(json.dumps(manifest))


class Container:
    """One folder in place of /opt/ml for both jobs of a model."""

    def __init__(self, base: Path, contract: Contract, libs: Path, *, model: str | None = None) -> None:
        self.base, self.contract = base, contract
        self.channels = {"train": base / "input/data", "evaluate": base / "processing/input"}
        for channels in self.channels.values():
            for name in ("code", "libs"):
                (channels / name).mkdir(parents=True)
            code_archive(channels / "code/code.zip", contract, model)
            (channels / "libs/libs.zip").symlink_to(libs)

    def receive(self, **tables: pa.Table) -> None:
        for channels in self.channels.values():
            write_dataset(channels, tables)

    def train(self, job: str = "job-1", **replaced: str) -> Outcome:
        self.configure(**replaced)
        return self.run("train", self.base / "output/failure", TRAINING_JOB_NAME=job)

    def configure(self, **replaced: str) -> None:
        settings = {"model": self.contract.model, "dataset": DATASET, "code_digest": "c", "seed": "0", "params": "{}"}
        file = self.base / "input/config/hyperparameters.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**settings, **replaced}))

    def evaluate(self, challenger: str = "job-1", champion: str = "") -> Outcome:
        named = {"RETIDE_MODEL": self.contract.model, "RETIDE_DATASET": DATASET}
        models = {"RETIDE_CHALLENGER": challenger, "RETIDE_CHAMPION": champion}
        return self.run("evaluate", self.base / "output/message", **named, **models)

    def run(self, job: str, reason: Path, **environment: str) -> Outcome:
        reason.unlink(missing_ok=True)
        ended = subprocess.run(
            self.command(job), env=self.environment(environment), capture_output=True, text=True, check=False
        )
        said = reason.read_text() if reason.is_file() else ""
        return Outcome(ended.returncode, said, ended.stdout + ended.stderr)

    def command(self, job: str) -> list[str]:
        return [str(PYTHON), str(self.channels[job] / "code/code.zip"), job]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base), **more}

    def keep_model(self, job: str = "job-1") -> Path:
        """What SageMaker does after training: the model folder becomes model.tar.gz, here among the candidates."""
        target = self.channels["evaluate"] / "candidates" / job / "output/model.tar.gz"
        target.parent.mkdir(parents=True)
        with tarfile.open(target, "w:gz", compresslevel=1) as archive:
            archive.add(self.base / "model", ".")
        return target

    def output(self, name: str) -> Any:
        return json.loads((self.base / "processing/output/evaluation" / name).read_text())


def model_archive(target: Path, members: Mapping[str, bytes]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target
