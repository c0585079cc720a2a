"""The identity of a model artefact: a digest over its members, because SageMaker packs the archive itself."""

from __future__ import annotations

import hashlib
import tarfile
from typing import BinaryIO, Final

CHUNK: Final = 1 << 20


def digest(archive: BinaryIO) -> str:
    """sha256 over the sorted lines "<sha256>  <member path>" of all files; the stream is read once, never as a whole.

    Raises ValueError for what is not a tar archive, ends too early, or holds links and devices.
    """
    try:
        with tarfile.open(fileobj=archive, mode="r|*") as tar:
            lines = [f"{_content(tar, member)}  {_path(member)}\n" for member in tar if not member.isdir()]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"the artefact is not a readable tar archive: {error}") from error
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    if not member.isfile():
        raise ValueError(f"the artefact holds {member.name!r}, which is neither a file nor a folder")
    found = hashlib.sha256()
    stream = tar.extractfile(member)
    while stream is not None and (chunk := stream.read(CHUNK)):
        found.update(chunk)
    return found.hexdigest()


def _path(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./")
