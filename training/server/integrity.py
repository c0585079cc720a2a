"""Whether the files that came with this server are those that were registered; looked at before any other is imported.

The expected digest comes from the registry, in a variable of the SageMaker model: who can write the archive cannot
write that. It is the digest of `retide.domain.artefact`: every file counts, its content and its path.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "RETIDE_MODEL_DIGEST"
FILES: Final = 2_000
BYTES: Final = 1 << 30
CHUNK: Final = 1 << 20


class Tampered(Exception):
    """What lies on the disk must not be served; the text says why."""


def check(folder: Path, environment: Mapping[str, str]) -> None:
    """Raises Tampered unless the files under `folder` have the digest that the environment names."""
    expected = environment.get(VARIABLE)
    if not expected:
        raise Tampered(f"{VARIABLE} is not set: nobody says which model this should be, so none is served")
    seen = digest(folder)
    if seen != expected:
        raise Tampered(f"the model's files have the digest {seen}, while {expected} was registered: it was altered")


def digest(folder: Path) -> str:
    """sha256 over the sorted lines "<sha256>  <path>"; raises Tampered for links, devices, and too many files."""
    lines, left = [], BYTES
    for count, file in enumerate(_files(folder), start=1):
        left -= file.stat().st_size
        if count > FILES or left < 0:
            raise Tampered(f"the model's folder holds more than {FILES} files or {BYTES} bytes")
        lines.append(f"{_sha256(file)}  {file.relative_to(folder).as_posix()}\n")
    return hashlib.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
            else:
                raise Tampered(f"the model's folder holds {entry.name!r}, which is neither a file nor a folder")


def _sha256(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
