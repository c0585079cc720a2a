"""Read a model's archive as if a stranger had packed it, and say what it holds: SageMaker packs it, so members count.

The digest of an artefact is sha256 over the sorted lines "<sha256>  <path>" of its files: it does not depend on how, in
which order, or when they were packed. The server that travels with a model computes the same of what lies unpacked.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from retide.domain.streams import CHUNK, Hashed, Unpacked

MEMBERS: Final = 2_000  # of ours there are about 50
ARCHIVE_BYTES: Final = 512 << 20
UNPACKED_BYTES: Final = 1 << 30  # of ours the runtime takes 32 MiB; what is larger no function reads within its time
HEADER_BYTES: Final = 4 << 20  # four blocks of 512 bytes for each member: headers may hold names without end
PATH_LIMIT: Final = 512
MODEL_FILES: Final = frozenset({"model/model.onnx", "model/manifest.json"})
CODE: Final = "code/"
PICKLES: Final = (".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz", ".pt", ".pth")
BROKEN: Final = (tarfile.TarError, EOFError, OSError, zlib.error, RecursionError, OverflowError)

type Keep = Callable[[str], BinaryIO | None]


class Altered(ValueError):
    """An artefact is not the one that was evaluated and registered."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an artefact; `size` in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive holds, by path; `sha256` and `size` (bytes) are those of the archive itself."""

    members: tuple[Member, ...]
    sha256: str
    size: int

    @property
    def digest(self) -> str:
        return digest_of(self.members)


def digest_of(members: Sequence[Member]) -> str:
    lines = sorted(f"{member.sha256}  {member.path}\n" for member in members)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def inspect(archive: BinaryIO, keep: Keep = lambda _: None) -> Contents:
    """Read a model.tar.gz once, as a stream; `keep` gives where the bytes of a path shall go as well, or None.

    Raises ValueError for what is no archive, ends too early, goes on after its end, is larger than a model may be, or
    holds anything but plain files under `model/` and `code/`. Nothing is written but to what `keep` gives.
    """
    packed = Hashed(archive, ARCHIVE_BYTES)
    try:
        with gzip.GzipFile(fileobj=packed) as zipped:
            unpacked = Unpacked(zipped, UNPACKED_BYTES, HEADER_BYTES)
            with tarfile.open(fileobj=unpacked, mode="r:") as tar:
                members = tuple(_members(tar, unpacked, keep))
            unpacked.end()
        packed.end()
    except BROKEN as error:
        raise ValueError(f"the artefact is not a readable tar archive: {error}") from error
    return Contents(tuple(sorted(members, key=lambda member: member.path)), packed.sha256, packed.size)


def _members(tar: tarfile.TarFile, unpacked: Unpacked, keep: Keep) -> Iterator[Member]:
    seen: set[str] = set()
    for count, entry in enumerate(tar, start=1):
        if count > MEMBERS:
            raise ValueError(f"the artefact holds more than {MEMBERS} members")
        path = _path(entry)
        if entry.isdir():
            continue
        _check(entry, path)
        if path in seen:
            raise ValueError(f"the artefact holds {path!r} twice")
        seen.add(path)
        with unpacked.content():
            yield _read(tar, entry, path, keep)


def _read(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: str, keep: Keep) -> Member:
    source, found, size = tar.extractfile(entry), hashlib.sha256(), 0
    copy = keep(path)
    try:
        while source is not None and (chunk := source.read(CHUNK)):
            found.update(chunk)
            size += len(chunk)
            if copy is not None:
                copy.write(chunk)
    finally:
        if copy is not None:
            copy.close()
    if size != entry.size:
        raise ValueError(f"the artefact ends in the middle of {path!r}")
    return Member(path, found.hexdigest(), size)


def _path(entry: tarfile.TarInfo) -> str:
    """The member's path from the archive's root; raises ValueError for one that leads elsewhere."""
    path = entry.name.removeprefix("./")
    parts = path.split("/")
    if entry.name.startswith("/") or ".." in parts:
        raise ValueError(f"the artefact holds {entry.name[:PATH_LIMIT]!r}, which lies outside of it")
    root = entry.isdir() and path in ("", ".")
    plain = path.isprintable() and "\\" not in path and len(path) <= PATH_LIMIT
    if not root and (not plain or "" in parts or "." in parts):
        raise ValueError(f"the artefact holds {entry.name[:PATH_LIMIT]!r}, which is no plain path")
    return path


def _check(entry: tarfile.TarInfo, path: str) -> None:
    """Raises ValueError for a member that is no plain file, or none of a model's."""
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.sparse is not None:
        raise ValueError(f"the artefact holds {path!r}, which is neither a file nor a folder")
    if path not in MODEL_FILES and not path.startswith(CODE):
        raise ValueError(f"the artefact holds {path!r}: a model is {', '.join(sorted(MODEL_FILES))} and {CODE}")
    if path.lower().endswith(PICKLES):
        raise ValueError(f"the artefact holds {path!r}: a pickle runs code when it is read, so none is taken")
