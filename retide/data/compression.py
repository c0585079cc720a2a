"""Unpack gzip and Zstandard into a plain file, however many members it has, within bounds of size, ratio and disk."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from backports import zstd

from retide.data import limits
from retide.data.encodings import Lines
from retide.data.findings import unreadable

PARQUET: Final = b"PAR1"
_CHUNK: Final = limits.MIB
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # after one byte from 0x50 to 0x5f
_BROKEN: Final = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)


def packing(start: bytes) -> str:
    """The name of the compression that these first bytes are of; empty for none."""
    if start.startswith(_GZIP):
        return "gzip"
    skippable = start[1:4] == _ZSTD_SKIPPABLE and 0x50 <= start[0] <= 0x5F
    return "Zstandard" if skippable or start.startswith(_ZSTD) else ""


def unpack(path: Path, kind: str, target: Path) -> Path:
    """Write to `target` what `path` holds, compressed by `kind`. Raises Refused; an OSError is the disk's."""
    most = min(limits.UNPACKED, int(shutil.disk_usage(target.parent).free * limits.FREE_SHARE))
    with path.open("rb") as file, target.open("wb") as plain:
        packed = _Packed(file, kind, most)
        try:
            for chunk in packed.unpacked():
                plain.write(chunk)
        except _BROKEN:
            advice = "It was cut off or damaged on its way: compress and send it again."
            seen = f"a {kind} file that ends or breaks after {packed.produced:,} unpacked bytes"
            raise unreadable(seen, advice) from None
    return target


class _Packed:
    """A compressed file that counts what goes in and comes out, and refuses to go on where the two do not match."""

    def __init__(self, file: BinaryIO, kind: str, most: int) -> None:
        self._file = file
        self._kind = kind
        self._most = most
        self.consumed = 0
        self.produced = 0

    def read(self, size: int = -1) -> bytes:
        """What the decompressor asks for: thousands of empty members would keep it busy within one call."""
        data = self._file.read(size)
        self.consumed += len(data)
        if self.consumed > limits.IDLE_FROM and 2 * self.produced < self.consumed - limits.IDLE_FROM:
            seen = f"a {self._kind} file of which {self.consumed:,} bytes unpack to {self.produced:,}"
            raise unreadable(seen, "It is made of empty parts: compress the table again, in one piece.")
        return data

    def unpacked(self) -> Iterator[bytes]:
        lines = Lines(2 * limits.LONGEST_LINE)  # there may be two bytes to a character yet
        binary = False
        with self._open() as reader:
            while chunk := reader.read(_CHUNK):
                binary = binary or (not self.produced and chunk.startswith(PARQUET))
                if not binary:
                    lines.take(chunk)
                self.produced += len(chunk)
                self._bound()
                yield chunk

    def _open(self) -> BinaryIO:
        if self._kind == "gzip":
            return cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, self)))
        largest = {int(zstd.DecompressionParameter.window_log_max): limits.ZSTD_WINDOW_LOG}
        return cast(BinaryIO, zstd.ZstdFile(cast(BinaryIO, self), options=largest))

    def _bound(self) -> None:
        advice = "Split the table into several files."
        if self.produced > self._most:
            raise unreadable(f"more than {self._most:,} bytes after unpacking, the most that there is room for", advice)
        if self.produced > limits.RATIO_FROM and self.produced > limits.RATIO * self.consumed:
            seen = f"a {self._kind} file that unpacks to over {limits.RATIO:,} times its size"
            raise unreadable(seen, "No table compresses that well. If it is one, send it uncompressed.")
