"""A model is rebuilt from its certificate alone, in fresh processes: the same bytes, or how far off is said."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import pytest

from retide.cli.checkouts import Bundle
from retide.cli.commands.reproduce import said
from retide.cli.failures import CliError
from retide.cli.rebuilding import Workshop, compare, members
from retide.domain.artefact import digest_of
from retide.domain.certificate import Certificate, Data, Document, Made, Source
from tests.training import generate
from tests.training.container import PYTHON, Container
from tests.unit.domain.test_lineage import certificate

TARGETS: Final = {
    "regressor": generate.contract({"type": "float"}, "regression", "rmse"),
    "classifier": generate.contract({"type": "category", "values": ["no", "yes"]}),
}


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
        rows = generate.table(contract, rows=300)
        pq.write_table(rows, folder / "rows.parquet")
        data = (folder / "rows.parquet").read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        self.container.receive(**{sha256: rows})
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

    def workshop(self, base: Path) -> Workshop:
        return Workshop(base, PYTHON, self.bucket)


@pytest.mark.parametrize("kind", ["regressor", pytest.param("classifier", marks=pytest.mark.nightly)])
def test_a_model_is_rebuilt_byte_for_byte(kind: str, tmp_path: Path, libs: Path) -> None:
    original = Original(tmp_path, kind, libs)
    found = compare(original.workshop(tmp_path / "again"), original.certificate, original.bundle)
    assert found.differing == ()
    assert found.digest == original.certificate.artefact.artefact_digest
    (line,) = said("m@1", original.certificate, found)
    assert "byte for byte" in line


@pytest.mark.nightly
def test_another_model_is_told_by_its_bytes_and_by_how_far_its_predictions_are_off(tmp_path: Path, libs: Path) -> None:
    original = Original(tmp_path, "regressor", libs)
    other = replace(
        original.certificate,
        hyperparameters={**original.certificate.hyperparameters, "params": '{"estimator": "linear"}'},
    )
    found = compare(original.workshop(tmp_path / "again"), other, original.bundle)
    assert {"model/model.onnx", "model/manifest.json"} == set(found.differing)
    assert found.rows == 300
    assert found.max_abs is not None
    assert (found.max_abs > found.allowed) is (not found.agrees)
    assert "differ by at most" in " ".join(said("m@1", other, found))


def test_data_that_was_altered_or_is_gone_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    bucket = Bucket()
    told = replace(certificate(1), data=replace(certificate(1).data, manifest=bucket.put("manifest", b"{}")))
    workshop = Workshop(tmp_path / "base", PYTHON, bucket)
    with pytest.raises(CliError, match="does not exist: without it the model cannot be rebuilt"):
        workshop.lay_data(told, tmp_path / "one")
    bucket.put("manifest", b"[]")
    with pytest.raises(CliError, match="was altered"):
        workshop.lay_data(told, tmp_path / "two")
