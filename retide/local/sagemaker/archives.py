"""Packs what a job leaves behind into tar.gz files, the same bytes for the same files, and unpacks models."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import Final

MEMBERS: Final = 100_000
UNPACKED_BYTES: Final = 10 << 30
HEADER_BYTES: Final = 1 << 20
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
    """Extract a model archive with tarfile's data filter and limits, and make the result read-only. Raises BadArchive.

    Its limits are far beyond those that a model of ours is held to: they only keep this machine alive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _Bounded(archive) as plain, tarfile.open(fileobj=plain, mode="r:") as tar:
            tar.extractall(folder, filter=_Limits())  # noqa: S202 - the data filter, within limits
    except (tarfile.TarError, EOFError, OSError, zlib.error, RecursionError) as error:
        raise BadArchive(f"the archive cannot be extracted: {error}") from error
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)


class _Bounded(gzip.GzipFile):
    """`tarfile` reads a header at once, whatever size it claims, and content in small pieces."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= HEADER_BYTES:
            raise BadArchive(f"the archive has a header of more than {HEADER_BYTES} bytes")
        return super().read(size)


class _Limits:
    """A filter of one extraction."""

    def __init__(self) -> None:
        self._members, self._left = 0, UNPACKED_BYTES

    def __call__(self, member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        self._members += 1
        self._left -= member.size
        if self._members > MEMBERS or self._left < 0:
            raise BadArchive(f"the archive holds more than {MEMBERS} members or {UNPACKED_BYTES} bytes")
        return tarfile.data_filter(member, path)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
