"""Model archives as an attacker would make them: each must be refused, without anything of it being run or unpacked."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from typing import Final

from tests.unit.steps.world import artefact

MEMBERS: Final[Mapping[str, bytes]] = {
    "model/model.onnx": b"onnx" * 100,
    "model/manifest.json": b'{"format": "retide-model/1"}',
    "code/server/wsgi.py": b"app = 1\n",
    "code/onnxruntime/__init__.py": b"",
}
# What `pickle` makes of an object whose __reduce__ calls os.system: loading it would run the command.
PICKLE: Final = b"cposix\nsystem\n(S'touch pwned'\ntR."
OLDER: Final = {**MEMBERS, "model/model.onnx": b"older" * 100}
MILLION: Final = 1_000


def pack(members: Mapping[str, bytes]) -> bytes:
    return artefact(dict(members))


def links(kind: bytes) -> bytes:
    return _with(_entry("model/model.onnx", kind, linkname="/etc/passwd"))


def _with(*more: bytes) -> bytes:
    """The honest members, and something beside."""
    return _tar([*(_file(name, data) for name, data in MEMBERS.items()), *more])


def _tar(blocks: list[bytes]) -> bytes:
    return gzip.compress(b"".join(blocks) + bytes(1024), mtime=0)


def _entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, linkname: str = "") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, linkname
    return entry.tobuf(format=tarfile.GNU_FORMAT)


def _file(name: str, data: bytes) -> bytes:
    return _entry(name, size=len(data)) + data + bytes(-len(data) % 512)


def a_million_members() -> bytes:
    """10^6 empty folders in 2 MB: the zip of a thousand, a thousand times."""
    return gzip.compress(_entry("code/d", tarfile.DIRTYPE) * MILLION, mtime=0) * MILLION


def many_files() -> bytes:
    return _tar([_entry(f"code/{number}") for number in range(2_001)])


def endless_zeros() -> bytes:
    """A member of 4 GiB in a few MB."""
    return gzip.compress(_entry("code/x", size=4 << 30), mtime=0) + gzip.compress(bytes(1 << 24), 1, mtime=0) * 256


def a_header_of_8_gib(kind: bytes) -> bytes:
    zeros = gzip.compress(bytes(1 << 24), 1, mtime=0) * 16
    return gzip.compress(_entry("x", kind, size=8 << 30), mtime=0) + zeros


def headers_without_end() -> bytes:
    return gzip.compress(_entry("x", tarfile.XHDTYPE) * 20_000, mtime=0)


def sparse() -> bytes:
    buffer = io.BytesIO(_entry("code/s", tarfile.GNUTYPE_SPARSE))
    return _with(buffer.getvalue())


def behind_the_end() -> bytes:
    honest = gzip.decompress(pack(MEMBERS))
    return gzip.compress(honest + _file("code/evil.py", b"evil") + bytes(1024), mtime=0)


ATTACKS: Final[Mapping[str, Callable[[], bytes]]] = {
    "swapped model": lambda: pack({**MEMBERS, "model/model.onnx": b"another model"}),
    "swapped model and manifest": lambda: pack(
        {**MEMBERS, "model/model.onnx": b"another", "model/manifest.json": b"{}"}
    ),
    "swapped names": lambda: pack(
        {
            **MEMBERS,
            "model/model.onnx": MEMBERS["model/manifest.json"],
            "model/manifest.json": MEMBERS["model/model.onnx"],
        }
    ),
    "older model": lambda: pack(OLDER),
    "changed server": lambda: pack({**MEMBERS, "code/server/wsgi.py": b"import os\n"}),
    "one more module": lambda: pack({**MEMBERS, "code/numpy.py": b"evil = 1"}),
    "one member less": lambda: pack({name: data for name, data in MEMBERS.items() if "onnxruntime" not in name}),
    "pickle beside the model": lambda: pack({**MEMBERS, "model/model.pkl": PICKLE}),
    "pickle among the code": lambda: pack({**MEMBERS, "code/state.joblib": PICKLE}),
    "pickle named as the model": lambda: pack({**MEMBERS, "model/model.onnx": PICKLE}),
    "parent folder": lambda: pack({**MEMBERS, "../evil.py": b"evil"}),
    "parent folder, deep": lambda: pack({**MEMBERS, "code/a/../../../evil.py": b"evil"}),
    "absolute name": lambda: pack({**MEMBERS, "/tmp/evil.py": b"evil"}),  # noqa: S108 - never written
    "top of the archive": lambda: pack({**MEMBERS, "sitecustomize.py": b"evil"}),
    "name with a new line": lambda: pack({**MEMBERS, "code/a\nb": b""}),
    "same name twice": lambda: _with(_file("model/model.onnx", b"again")),
    "symbolic link": lambda: links(tarfile.SYMTYPE),
    "hard link": lambda: links(tarfile.LNKTYPE),
    "device": lambda: links(tarfile.CHRTYPE),
    "pipe": lambda: links(tarfile.FIFOTYPE),
    "sparse file": sparse,
    "behind the end": behind_the_end,
    "cut off": lambda: pack(MEMBERS)[:-30],
    "no archive": lambda: b"<html>not found</html>",
    "nothing": lambda: b"",
    "a million members": a_million_members,
    "one file too many": many_files,
    "endless long name": lambda: a_header_of_8_gib(tarfile.GNUTYPE_LONGNAME),
    "endless pax header": lambda: a_header_of_8_gib(tarfile.XHDTYPE),
    "headers without end": headers_without_end,
}
