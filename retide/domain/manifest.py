"""A batch's manifest.json: which files make it complete, and whether what lies in its folder is what it lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from retide.domain.layout import MARKERS
from retide.domain.s3_events import KEY_LIMIT
from retide.domain.untrusted import shown

SIZE_LIMIT: Final = 4 * 1024**2  # bytes of a manifest
FILES_LIMIT: Final = 20_000
SHA256: Final = re.compile(r"[0-9a-f]{64}")
MD5: Final = re.compile(r"[0-9a-f]{32}")
FORM: Final = '{"files": [{"name": "a.csv", "size": 1234, "sha256": "…"}, …]}'


class BadManifest(ValueError):
    """A manifest that cannot be used; the text says where, what was seen and what is expected."""


class Version(Protocol):
    """One version of a file as S3 describes it; `size` in bytes."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a batch; what is None is not said of it."""

    name: str
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    def differs(self, version: Version) -> str:
        """How a version is not this file, as far as S3 tells; empty where it may be. Only reading shows a sha256."""
        if self.size is not None and self.size != version.size:
            return f"{self.name} has {version.size} bytes where the manifest says {self.size}"
        if self.md5 and MD5.fullmatch(version.etag) and self.md5 != version.etag:
            return f"{self.name} has the MD5 {version.etag} where the manifest says {self.md5}"
        return ""


@dataclass(frozen=True, slots=True)
class Sorting:
    """What a manifest says of what lies in its folder.

    `missing` are the files that it lists and nobody has brought; `refused` why a version is none of its files;
    `digests` the sha256 that a version must have, by its id.
    """

    missing: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    files: tuple[Listed, ...]

    def sort(self, folder: Sequence[Version]) -> Sorting:
        """Files that the manifest does not name are let through: each is judged by the contract anyway."""
        listed = {file.name: file for file in self.files}
        refused: dict[str, str] = {}
        digests: dict[str, str] = {}
        brought: set[str] = set()
        for version in folder:
            file = listed.get(version.key.rpartition("/")[2])
            if file is None:
                continue
            if why := file.differs(version):
                refused[version.id] = why
                continue
            brought.add(file.name)
            digests |= {version.id: file.sha256} if file.sha256 else {}
        return Sorting(tuple(_missing(self.files, brought)), refused, digests)


def read(data: bytes) -> Manifest:
    """Raises BadManifest."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadManifest(f"manifest.json is not JSON ({type(error).__name__}); it looks like {FORM}") from None
    entries = raw.get("files") if isinstance(raw, Mapping) else raw
    if not isinstance(entries, list) or not 0 < len(entries) <= FILES_LIMIT:
        raise BadManifest(f"manifest.json lists no files, or more than {FILES_LIMIT}; it looks like {FORM}")
    files = tuple(_file(entry, index) for index, entry in enumerate(entries))
    _check_names(files)
    return Manifest(files)


def _file(raw: object, index: int) -> Listed:
    entry: Mapping[str, Any] = {"name": raw} if isinstance(raw, str) else raw if isinstance(raw, Mapping) else {}
    name, size = entry.get("name"), entry.get("size")
    if not isinstance(name, str) or not _names_a_file(name):
        raise BadManifest(f"files[{index}].name must be the name of a file beside the manifest, not {shown(name)}")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise BadManifest(f"files[{index}].size must be a number of bytes, not {shown(size)}")
    return Listed(name, size, _digest(entry, "sha256", SHA256, index), _digest(entry, "md5", MD5, index))


def _names_a_file(name: str) -> bool:
    storable = len(name.encode("utf-8", "replace")) <= KEY_LIMIT and not re.search(r"[\ud800-\udfff]", name)
    return storable and name not in {"", *MARKERS} and "/" not in name


def _digest(entry: Mapping[str, Any], name: str, form: re.Pattern[str], index: int) -> str | None:
    value = entry.get(name)
    if value is not None and not (isinstance(value, str) and form.fullmatch(value)):
        raise BadManifest(f"files[{index}].{name} must be lower-case hexadecimal, not {shown(value)}")
    return value


def _check_names(files: Sequence[Listed]) -> None:
    seen: set[str] = set()
    for file in files:
        if file.name in seen:
            raise BadManifest(f"manifest.json lists {shown(file.name)} twice")
        seen.add(file.name)


def _missing(files: Iterable[Listed], brought: set[str]) -> Iterable[str]:
    return (file.name for file in files if file.name not in brought)
