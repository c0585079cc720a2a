"""A container of the official image for one test: the real bundles with one more model in them, and its rows."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from infra import bundles
from retide.contracts import catalogue
from retide.domain.contract import Contract
from scripts.jobs import PYTHON, ROOT, Jobs, Outcome

__all__ = ["PYTHON", "ROOT", "Container", "Outcome", "model_archive", "write_dataset"]

DATASET: Final = "d1"


def code_files(contract: Contract, model: str | None) -> dict[str, bytes]:
    """The training asset of this checkout, with one more model in it."""
    files = bundles.training_files(ROOT, catalogue(ROOT))
    files[f"models/{contract.model}/contract.json"] = json.dumps(contract.to_dict()).encode()
    files[f"models/{contract.model}/code_digest.txt"] = b"c"
    if model is not None:
        files[f"models/{contract.model}/model.py"] = model.encode()
    return files


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


class Container(Jobs):
    """One folder in place of /opt/ml for both jobs of a model."""

    def __init__(
        self, base: Path, contract: Contract, libs: Path, *, model: str | None = None, limit_seconds: float = 900
    ) -> None:
        super().__init__(base, contract.model, code_files(contract, model), libs, limit_seconds=limit_seconds)
        self.contract, self.dataset = contract, DATASET

    def receive(self, **tables: pa.Table) -> None:
        for channels in self.channels.values():
            write_dataset(channels, tables)


def model_archive(target: Path, members: Mapping[str, bytes]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target
