"""Open a model archive safely: take out the artefact, and digest every member, for SageMaker writes the tar itself."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

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
    """Unpack `model/` of an archive below `scratch`; raises JobError where it is no model of ours."""
    try:
        digest = unpack_artefact(archive, scratch)
        return Candidate(job, Artefact.load(scratch / "model"), digest, (scratch / "model" / ONNX_FILE).stat().st_size)
    except (OSError, tarfile.TarError, EOFError, ArtefactError) as error:
        raise JobError(f"The model of job {job} cannot be used: {error}.") from error


def unpack_artefact(archive: Path, target: Path) -> str:
    """sha256 over the sorted lines `<sha256>  <member>` of all files; only regular files under `model/` are written."""
    lines = []
    with tarfile.open(archive) as packed:
        for member in packed:
            path = PurePosixPath(member.name)
            if member.isdir():
                continue
            if not member.isfile() or path.is_absolute() or ".." in path.parts:
                raise tarfile.TarError(f"its archive holds {member.name!r}, which is no plain file inside it")
            wanted = target / path if path.parts[0] == "model" else None
            lines.append(f"{_digest(packed, member, wanted)}  {path}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _digest(packed: tarfile.TarFile, member: tarfile.TarInfo, target: Path | None) -> str:
    source = packed.extractfile(member)
    content = b"" if source is None else source.read()
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
