"""A model is rebuilt from its certificate alone, in fresh processes: the same bytes, or how far off is said."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest

from retide.cli.checkouts import Bundle
from retide.cli.commands.reproduce import said
from retide.cli.failures import CliError
from retide.cli.rebuilding import Comparison, Workshop, compare, members
from retide.domain.artefact import digest_of
from retide.domain.certificate import Certificate, Data, Document, Made, Source
from tests.training import generate
from tests.training.container import PYTHON, Container
from tests.unit.domain.test_lineage import certificate
from training.features import columns
from training.server.artefact import open_session

TARGETS: Final = {
    "regressor": generate.contract({"type": "float"}, "regression", "rmse"),
    "classifier": generate.contract({"type": "category", "values": ["no", "yes"]}),
}

WEIGHTS: Final = frozenset({"coefficients", "intercepts", "target_weights", "class_weights"})


class Bucket:
    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> Document:
        self.content[key] = data
        return Document(key, hashlib.sha256(data).hexdigest(), "v1")

    def get(self, key: str, version: str | None = None) -> bytes:
        return self.content[key]

    def download(self, key: str, version: str | None, path: Path) -> None:
        if key not in self.content:
            raise LookupError(f"{key} does not exist")
        path.write_bytes(self.content[key])


class Original:
    """A model as a run would have left it: trained once in a container, certified, its data and archive in a bucket."""

    def __init__(self, folder: Path, kind: str, libs: Path) -> None:
        contract = TARGETS[kind]
        self.bucket, self.container = Bucket(), Container(folder / "ml", contract, libs)
        self.bundle = Bundle(self.container.channels["train"] / "code/code.zip", libs, "the test's own bundle")
        self.rows = generate.table(contract, rows=300)
        pq.write_table(self.rows, folder / "rows.parquet")
        data = (folder / "rows.parquet").read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        self.container.receive(**{sha256: self.rows})
        trained = self.container.train()
        assert trained.code == 0, trained.log
        self.bucket.put(f"curated/{contract.model}/{sha256}.parquet", data)
        self.certificate = self._certificate(contract.model, sha256)

    def _certificate(self, model: str, sha256: str) -> Certificate:
        manifest = (self.container.channels["train"] / "dataset/manifest.json").read_bytes()
        made = members(self.container.base / "model")
        archive = self.bucket.put("models/archive", self.container.keep_model().read_bytes())
        settings = {"model": model, "dataset": self.container.dataset, "code_digest": "c", "seed": "0", "params": "{}"}
        source = Source("id", "incoming/a.csv", "v1", sha256, 300)
        document = self.bucket.put("datasets/manifest.json", manifest)
        return replace(
            certificate(1),
            model=model,
            hyperparameters=settings,
            data=Data(self.container.dataset, document, 300, 2000, None, (source,)),
            artefact=Made(digest_of(made), archive, made),
        )

    def with_model(self, model: bytes, folder: Path) -> Certificate:
        """The certificate of another model in the same place, as another machine would have trained it."""
        shutil.copytree(self.container.base / "model", folder)
        told = json.loads((folder / "model/manifest.json").read_text())
        (folder / "model/model.onnx").write_bytes(model)
        told["onnx"]["sha256"] = hashlib.sha256(model).hexdigest()
        (folder / "model/manifest.json").write_text(json.dumps(told))
        with tarfile.open(folder.with_suffix(".tar.gz"), "w:gz", compresslevel=1) as packed:
            packed.add(folder, ".")
        archive = self.bucket.put(f"models/{folder.name}", folder.with_suffix(".tar.gz").read_bytes())
        made = members(folder)
        return replace(self.certificate, artefact=Made(digest_of(made), archive, made))

    def rebuilt(self, certificate: Certificate, base: Path) -> Comparison:
        """Trained again in a new folder, and compared."""
        workshop = Workshop(base, PYTHON, self.bucket)
        return compare(workshop, certificate, workshop.train(certificate, self.bundle), self.bundle)


@pytest.mark.parametrize("kind", ["regressor", pytest.param("classifier", marks=pytest.mark.nightly)])
def test_a_model_is_rebuilt_byte_for_byte(kind: str, tmp_path: Path, libs: Path) -> None:
    original = Original(tmp_path, kind, libs)
    found = original.rebuilt(original.certificate, tmp_path / "again")
    assert found.differing == ()
    assert found.digest == original.certificate.artefact.artefact_digest
    (line,) = said("m@1", original.certificate, found)
    assert "byte for byte" in line


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_last_bits_are_told_and_borne_and_more_than_that_is_not(kind: str, tmp_path: Path, libs: Path) -> None:
    original = Original(tmp_path, kind, libs)
    model = tmp_path / "ml/model/model/model.onnx"
    for name, steps, borne in (("last bits", 2, True), ("another", 1 << 18, False)):
        other = original.with_model(nudged(model.read_bytes(), steps), tmp_path / name)
        found = original.rebuilt(other, tmp_path / f"{name}, rebuilt")
        apart = farthest(original, tmp_path / name)
        assert set(found.differing) == {"model/model.onnx", "model/manifest.json"}
        assert (found.rows, found.agrees) == (300, borne), found
        assert found.max_abs == pytest.approx(apart, abs=1e-12)
        assert apart > 0
        words = " ".join(said("m@1", other, found))
        assert ("within the tolerance" if borne else "beyond the tolerance") in words


@pytest.mark.nightly
def test_another_estimator_is_told_by_its_bytes_and_by_how_far_its_predictions_are_off(
    tmp_path: Path, libs: Path
) -> None:
    original = Original(tmp_path, "regressor", libs)
    asked = {**original.certificate.hyperparameters, "params": '{"estimator": "boosting"}'}
    other = replace(original.certificate, hyperparameters=asked)
    found = original.rebuilt(other, tmp_path / "again")
    assert {"model/model.onnx", "model/manifest.json"} == set(found.differing)
    assert (found.rows, found.agrees) == (300, False)
    assert "differ by at most" in " ".join(said("m@1", other, found))


def nudged(model: bytes, steps: int) -> bytes:
    """Every weight of a model moved by so many of the steps that float32 has."""
    read = onnx.load_model_from_string(model)
    moved = 0
    for attribute in (one for node in read.graph.node for one in node.attribute if one.name in WEIGHTS):
        found = np.array(attribute.floats, dtype=np.float32)
        attribute.floats[:] = (found.view(np.int32) + steps).view(np.float32)
        moved += found.size
    assert moved
    return bytes(read.SerializeToString(deterministic=True))


def farthest(original: Original, other: Path) -> float:
    """How far a model is from the original on the very rows, asked here and not by the job."""
    models = (original.container.base / "model/model/model.onnx", other / "model/model.onnx")
    given = columns(original.rows, original.container.contract)
    first, second = (open_session(path.read_bytes()).run(given) for path in models)
    return float(np.abs(first - second).max())


def test_data_that_was_altered_or_is_gone_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    bucket = Bucket()
    told = replace(certificate(1), data=replace(certificate(1).data, manifest=bucket.put("manifest", b"{}")))
    workshop = Workshop(tmp_path / "base", PYTHON, bucket)
    with pytest.raises(CliError, match="does not exist: without it the model cannot be rebuilt"):
        workshop.lay_data(told, tmp_path / "one")
    bucket.put("manifest", b"[]")
    with pytest.raises(CliError, match="was altered"):
        workshop.lay_data(told, tmp_path / "two")
