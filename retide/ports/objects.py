"""The data bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


class ObjectGone(LookupError):
    """An object, or that version of it, does not exist (any more)."""


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What S3 says of one object version; `version` is "null" in a bucket without versions, `size` in bytes."""

    version: str
    etag: str
    size: int


class Objects(Protocol):
    """The data bucket. Reading what is not there raises ObjectGone."""

    def head(self, key: str, version: str | None = None) -> ObjectHead | None: ...

    def get(self, key: str, version: str | None = None) -> bytes: ...

    def open(self, key: str) -> BinaryIO:
        """A stream to read once, for what may not fit in memory."""
        ...

    def exists(self, key: str) -> bool: ...

    def put(self, key: str, data: bytes) -> None: ...

    def get_many(self, keys: Sequence[str]) -> tuple[bytes | None, ...]:
        """Several at once, in their order; None for what is not there."""
        ...

    def download(self, key: str, version: str | None, path: Path) -> None: ...

    def download_many(self, wanted: Sequence[tuple[str, Path]]) -> frozenset[str]:
        """Several at once, each key to its path; returns the keys of what is not there."""
        ...

    def upload(self, path: Path, key: str) -> None: ...

    def copy(self, key: str, version: str | None, to_key: str) -> None:
        """Byte for byte, inside the bucket."""
        ...

    def uri(self, key: str) -> str: ...
