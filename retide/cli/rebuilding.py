"""Train a model again from its certificate, in the jobs' environment of this machine, and compare it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from retide.cli.checkouts import Bundle
from retide.cli.clusters import Cluster
from retide.cli.failures import CliError
from retide.domain import layout
from retide.domain.artefact import Member, digest_of
from retide.domain.certificate import Certificate

PINNED: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "LANG": "C.UTF-8"}


class Store(Protocol):
    def get(self, key: str, version: str | None = None) -> bytes: ...

    def download(self, key: str, version: str | None, path: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """`differing` are the paths whose content is another, or that only one of both has; `max_abs` how far predictions
    are apart on `rows` rows, None where they were not asked because the bytes are the same.
    """

    digest: str
    differing: tuple[str, ...] = ()
    rows: int = 0
    max_abs: float | None = None
    allowed: float = 0.0

    @property
    def identical(self) -> bool:
        return not self.differing

    @property
    def agrees(self) -> bool:
        return self.identical or (self.max_abs is not None and self.max_abs <= self.allowed)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A model that was trained again, packed, and its files."""

    archive: Path
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Workshop:
    """`base` stands in for /opt/ml, `python` for the image, `boosting` for that of instances that learn together."""

    base: Path
    python: Path
    objects: Store
    boosting: Path | None = None

    def lay_data(self, certificate: Certificate, channels: Path) -> None:
        """The dataset's manifest and files as they were; raises CliError for what is gone or has changed."""
        manifest = certificate.data.manifest
        (channels / "dataset").mkdir(parents=True)
        (channels / "data").mkdir()
        self._fetch(manifest.key, manifest.version, manifest.sha256, channels / "dataset/manifest.json")
        for sha256 in {one.curated for one in certificate.data.objects}:
            key = layout.curated(certificate.model, sha256)
            self._fetch(key, "", sha256, channels / "data" / f"{sha256}.parquet")

    def fetch_original(self, certificate: Certificate, target: Path) -> None:
        archive = certificate.artefact.archive
        self._fetch(archive.key, archive.version, archive.sha256, target)

    def train(self, certificate: Certificate, bundle: Bundle) -> Rebuilt:
        """Trains in this machine's environment; raises CliError with the job's own reason."""
        channels = self.base / "input/data"
        self.lay_data(certificate, channels)
        self._lay_libs(channels, bundle)
        if certificate.boosting:
            replace(self, base=self.base / "together").boost(certificate, bundle, channels / "booster")
        config = self.base / "input/config/hyperparameters.json"
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps(dict(certificate.hyperparameters)), encoding="utf-8")
        self._run("train", bundle, self.base / "output/failure", {"TRAINING_JOB_NAME": certificate.job})
        folder = self.base / "model"
        _pack(folder, self.base / "rebuilt.tar.gz")
        return Rebuilt(self.base / "rebuilt.tar.gz", members(folder))

    def boost(self, certificate: Certificate, bundle: Bundle, booster: Path) -> None:
        """Lay the shards out again, and let as many processes learn from them as there were instances."""
        made, told = certificate.boosting, certificate.hyperparameters
        if made is None or self.boosting is None:
            raise CliError(
                f"{certificate.model} cannot be rebuilt without what stands in for the image of its instances"
            )
        channels = self.base / "processing/input"
        self.lay_data(certificate, channels)
        self._lay_libs(channels, bundle)
        variables = {
            "RETIDE_MODEL": certificate.model,
            "RETIDE_DATASET": certificate.data.id,
            "RETIDE_CODE_DIGEST": told["code_digest"],
            "RETIDE_BOOSTING": made.job,
        }
        self._run("shard", bundle, self.base / "output/message", variables)
        cluster = Cluster(self.boosting, bundle.code, {**PINNED, "PATH": os.environ["PATH"]})
        model = cluster.train(self.base / "processing/output", made.made.instances, self.base / "hosts")
        booster.mkdir()
        _pack(model, booster / "model.tar.gz")

    def agreement(self, certificate: Certificate, rebuilt: Path, bundle: Bundle) -> Mapping[str, Any]:
        """Both models, given as archives, asked about every row of the dataset."""
        channels = self.base / "processing/input"
        self.lay_data(certificate, channels)
        self._lay_libs(channels, bundle)
        self.fetch_original(certificate, channels / "original.tar.gz")
        shutil.copyfile(rebuilt, channels / "rebuilt.tar.gz")
        self._run("agree", bundle, self.base / "output/message", {"RETIDE_MODEL": certificate.model})
        found: Mapping[str, Any] = json.loads((self.base / "processing/output/agreement.json").read_text())
        return found

    def _lay_libs(self, channels: Path, bundle: Bundle) -> None:
        (channels / "libs").mkdir()
        shutil.copyfile(bundle.libs, channels / "libs" / bundle.libs.name)

    def _run(self, job: str, bundle: Bundle, reason: Path, more: Mapping[str, str]) -> None:
        variables = {**PINNED, "PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base), **more}
        command = [str(self.python), str(bundle.code), job]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            said = reason.read_text(encoding="utf-8") if reason.is_file() else done.stderr.strip()[-500:]
            raise CliError(f"the job {job} of {bundle.place} failed: {said}")

    def _fetch(self, key: str, version: str, sha256: str, target: Path) -> None:
        try:
            self.objects.download(key, version or None, target)
        except LookupError as error:
            raise CliError(f"{error}: without it the model cannot be rebuilt") from None
        with target.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != sha256:
            raise CliError(f"{key} has the sha256 {found[:12]}…, the certificate says {sha256[:12]}…: it was altered")


def _pack(folder: Path, target: Path) -> None:
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        archive.add(folder, ".")


def members(folder: Path) -> tuple[Member, ...]:
    """As an archive of the folder would hold them."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(
        Member(path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in files
    )


def difference(original: tuple[Member, ...], rebuilt: tuple[Member, ...]) -> tuple[str, ...]:
    before, after = ({one.path: one.sha256 for one in some} for some in (original, rebuilt))
    return tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))


def compare(workshop: Workshop, certificate: Certificate, rebuilt: Rebuilt, asking: Bundle) -> Comparison:
    """File by file; `asking` is the code that asks both models where bytes differ."""
    digest, differing = digest_of(rebuilt.members), difference(certificate.artefact.members, rebuilt.members)
    if not differing:
        return Comparison(digest)
    found = workshop.agreement(certificate, rebuilt.archive, asking)
    return Comparison(digest, differing, found["rows"], found["max_abs"], found["allowed"])
