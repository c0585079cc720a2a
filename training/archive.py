"""Open a model archive safely: its digest covers every member, and only the artefact itself is unpacked."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from retide.domain.artefact import digest
from training.errors import JobError
from training.server.artefact import Artefact
from training.server.manifest import ONNX_FILE, ArtefactError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that is to be scored; `digest` covers every file of its archive, `size` is the ONNX file's, in bytes."""

    job: str
    artefact: Artefact
    digest: str
    size: int


def open_candidate(archive: Path, job: str, scratch: Path) -> Candidate:
    """Unpack `model/` of an archive into the new folder `scratch`; raises JobError where it is no model of ours."""
    try:
        seen = unpack_artefact(archive, scratch)
        return Candidate(job, Artefact.load(scratch / "model"), seen, (scratch / "model" / ONNX_FILE).stat().st_size)
    except (OSError, EOFError, ValueError, tarfile.TarError, ArtefactError) as error:
        raise JobError(f"The model of job {job} cannot be used: {error}.") from error


def unpack_artefact(archive: Path, target: Path) -> str:
    """Write the regular files under `model/`; returns the digest of all files. Decompresses once, reads twice."""
    target.mkdir(parents=True)
    plain = target / "archive.tar"
    with gzip.open(archive) as packed, plain.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, 1 << 20)
    with plain.open("rb") as stream:
        seen = digest(stream)
    with tarfile.open(plain) as members:
        for member in members:
            _unpack(members, member, target)
    plain.unlink()
    return seen


def _unpack(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"its archive holds {member.name!r}, which lies outside of it")
    source = members.extractfile(member) if path.parts[:1] == ("model",) else None
    if source is not None:
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(source.read())
