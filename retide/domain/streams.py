"""Streams that count what is read from them: a hostile archive takes neither memory nor time without end."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

CHUNK: Final = 1 << 18


class Hashed(io.RawIOBase):
    """The bytes as they came, with their sha256; raises ValueError beyond `limit` bytes."""

    def __init__(self, source: BinaryIO, limit: int) -> None:
        super().__init__()
        self._source, self._limit = source, limit
        self._found, self.size = hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = CHUNK, /) -> bytes:
        data = self._source.read(size if 0 <= size < CHUNK else CHUNK)
        self._found.update(data)
        self.size += len(data)
        if self.size > self._limit:
            raise ValueError(f"the archive is larger than {self._limit} bytes")
        return data

    def end(self) -> None:
        """Read the rest, so that the digest is that of the whole."""
        while self.read():
            pass

    @property
    def sha256(self) -> str:
        return self._found.hexdigest()


class Unpacked(io.RawIOBase):
    """A tar archive as `tarfile` reads it, forwards only.

    `tarfile` reads a header at once, whatever size it claims, and keeps what it says. So no reading is larger than
    CHUNK, all of them together than `limit`, and those outside of `content()` than `headers` (all in bytes); beyond
    that ValueError is raised, before the memory is taken.
    """

    def __init__(self, source: BinaryIO | io.BufferedIOBase, limit: int, headers: int) -> None:
        super().__init__()
        self._source, self._left, self._headers = source, limit, headers
        self._at, self._last, self._in_content = 0, b"", False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or position < self._at:
            raise OSError("the archive is read forwards only")
        while self._at < position and self.read(min(position - self._at, CHUNK)):
            pass
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= CHUNK:
            raise ValueError(f"the archive has a header of more than {CHUNK} bytes")
        data = self._source.read(size)
        self._at += len(data)
        self._left -= len(data)
        self._headers -= 0 if self._in_content else len(data)
        if self._left < 0 or self._headers < 0:
            raise ValueError("the archive holds more than a model may")
        self._last = data or self._last
        return data

    @contextmanager
    def content(self) -> Iterator[None]:
        """What is read within is a member's content, and no header."""
        self._in_content = True
        try:
            yield
        finally:
            self._in_content = False

    def end(self) -> None:
        """Raises ValueError unless the archive ends here, with nothing but zeros behind: there readers disagree."""
        if any(self._last):
            raise ValueError("the archive has a broken header")
        with self.content():
            while data := self.read(CHUNK):
                if any(data):
                    raise ValueError("the archive goes on behind its end")
