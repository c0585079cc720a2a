"""Packs what a job leaves behind into tar.gz files, the same bytes for the same files, and unpacks models."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path
from typing import Final

LEVEL: Final = 1  # AWS does not say which level it uses; on a laptop speed is worth more than size


class BadArchive(Exception):
    """The file is not an archive that may be unpacked."""


def pack(folder: Path, archive: Path) -> bool:
    """Write the folder's content; False, and no file, when there is none."""
    paths = sorted(folder.rglob("*"))
    if not paths:
        return False
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for path in paths:
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=_anonymous)
    return True


def unpack(archive: Path, folder: Path) -> None:
    """Extract a model archive with tarfile's data filter, and make the result read-only. Raises BadArchive."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadArchive(f"the archive cannot be extracted: {error}") from error
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
