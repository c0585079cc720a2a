"""Open a model archive safely: its digest covers every member, and only the artefact itself is unpacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from retide.domain.artefact import MODEL_FILES, Contents, inspect
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
        seen = unpack_artefact(archive, scratch).digest
        return Candidate(job, Artefact.load(scratch / "model"), seen, (scratch / "model" / ONNX_FILE).stat().st_size)
    except (OSError, ValueError, ArtefactError) as error:
        raise JobError(f"The model of job {job} cannot be used: {error}.") from error


def unpack_artefact(archive: Path, target: Path) -> Contents:
    """Write the files of a model, and no other member, under the new folder `target`; gives what the archive holds."""
    target.mkdir(parents=True)
    (target / "model").mkdir()
    with archive.open("rb") as packed:
        return inspect(packed, _into(target))


def _into(target: Path) -> Callable[[str], BinaryIO | None]:
    return lambda path: (target / path).open("xb") if path in MODEL_FILES else None
