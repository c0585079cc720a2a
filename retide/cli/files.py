"""Look at a file before it is sent: only what is neither CSV nor Parquet is refused, the rest is the gate's task."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Final

from retide.cli.failures import CliError

HEAD: Final = 65_536
LARGEST: Final = 5 * 1024**3
"""What S3 takes in one request, in bytes."""

DELIMITERS: Final = (",", ";", "\t", "|")
PICTURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF")
"""Formats whose first line could pass for text."""

MARKUP: Final = ("{", "[", "<")


def check(path: Path) -> Path:
    """The path itself; raises CliError for what cannot be a batch of rows."""
    if not path.exists():
        raise CliError(f"there is no file {path}")
    if not path.is_file():
        raise CliError(f"{path} is a {'folder' if path.is_dir() else 'special file'}: push one file at a time")
    size = path.stat().st_size
    if size == 0:
        raise CliError(f"{path} is empty: there is nothing to push")
    if size > LARGEST:
        raise CliError(f"{path} has {size / 1024**3:.1f} GiB, S3 takes 5 in one request: split it, or use `aws s3 cp`")
    if problem := why_not(_head(path)):
        raise CliError(f"{path} is neither CSV nor Parquet: {problem}")
    return path


def why_not(head: bytes) -> str | None:
    """Why these first bytes of a file cannot be CSV or Parquet; None when they can."""
    if head.startswith(b"PAR1"):
        return None
    line = _unpacked(head).removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
    if head.startswith(PICTURES) or any(byte < 32 and byte not in b"\t\r\f" for byte in line) or b"\x7f" in line:
        return "it begins with binary data"
    text = line.decode("utf-8", "replace").strip()
    if text.startswith(MARKUP):
        return f"it begins with {text[0]!r}, like JSON or XML"
    if not any(delimiter in text for delimiter in DELIMITERS):
        return f"its first line {text[:40]!r} has no comma, semicolon, tab or bar"
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _unpacked(head: bytes) -> bytes:
    """The first bytes inside gzip; what cannot be unpacked stays as it is and counts as binary."""
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except (zlib.error, gzip.BadGzipFile):
        return head
