"""Find out what kind of file an object is by its bytes, never by its name, and make it one that can be scanned."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from retide.data.findings import unreadable

DELIMITERS: Final = (",", ";", "\t", "|")
LARGEST_UNZIPPED: Final = 8 * 2**30
HEADER_CHARACTERS: Final = 2**20
_CHUNK: Final = 2**20
_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_FOREIGN: Final = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Office document (.xls)",
    b"SQLite format 3": "an SQLite database",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"\x7fELF": "a program",
}
_MARKUP: Final = {b"{": "JSON", b"[": "JSON", b"<": "HTML or XML"}
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A text file: `header` in the order of the file, `skip` blank lines above it."""

    path: Path
    delimiter: str
    header: tuple[str, ...]
    skip: int


@dataclass(frozen=True, slots=True)
class ParquetSource:
    path: Path


def identify(path: Path, scratch: Path, names: frozenset[str]) -> CsvSource | ParquetSource:
    """`names` are the contract's columns: the delimiter is the one that finds most of them. Raises Refused."""
    start = _start(path)
    if start.startswith(_GZIP):
        path = _unzip(path, scratch / "unzipped")
        start = _start(path)
    _refuse_foreign(start)
    if start.startswith(_PARQUET):
        return _parquet(path)
    _check_text(path)
    return _csv(path, names)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise unreadable("an empty file (0 bytes)", "Send the file again; the upload or the export broke off.")
    return start


def _unzip(path: Path, target: Path) -> Path:
    size = 0
    try:
        with gzip.open(path) as zipped, target.open("wb") as plain:
            while chunk := zipped.read(_CHUNK):
                size += plain.write(chunk)
                if size > LARGEST_UNZIPPED:
                    raise unreadable("more than 8 GiB after unzipping", "Split the file into smaller ones.")
    except (EOFError, gzip.BadGzipFile, zlib.error):
        advice = "It was cut off or damaged on its way: compress and send it again."
        raise unreadable(f"a gzip file that ends or breaks after {size:,} unzipped bytes", advice) from None
    return target


def _refuse_foreign(start: bytes) -> None:
    for magic, kind in _FOREIGN.items():
        if start.startswith(magic):
            raise unreadable(f"{kind}, whatever its name says", "Export the table as CSV or Parquet.")
    if start.startswith(_UTF16):
        raise unreadable("text in UTF-16", "Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8').")
    for sign, kind in _MARKUP.items():
        if start.lstrip().startswith(sign):
            raise unreadable(f"{kind} text", "Export the table as CSV or Parquet.")


def _parquet(path: Path) -> ParquetSource:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 4))
        whole = size >= 12 and file.read(4) == _PARQUET
    if not whole:
        advice = "The upload broke off: send the file again."
        raise unreadable(f"a Parquet file that is cut off (its {size:,} bytes lack the end)", advice)
    return ParquetSource(path)


def _check_text(path: Path) -> None:
    """UTF-8 from the first byte to the last, without NUL bytes."""
    position = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in _chunks(path):
        pending = len(decoder.getstate()[0])
        _refuse_nul(chunk, position)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _not_utf8(error, position - pending + error.start) from None
        position += len(chunk)


def _chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces, and an empty one at its end."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
        yield b""


def _refuse_nul(chunk: bytes, position: int) -> None:
    if (at := chunk.find(0)) >= 0:
        raise unreadable(f"binary data (a NUL byte at byte {position + at})", "Export the table as CSV or Parquet.")


def _not_utf8(error: UnicodeDecodeError, at: int) -> Exception:
    around = error.object[max(0, error.start - 12) : error.start + 12].decode("latin-1")
    guess = "".join(character if character.isprintable() else "·" for character in around)
    advice = "Save the file as UTF-8. If it is Latin-1 or Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8."
    return unreadable(
        f"a byte that is not UTF-8 (0x{error.object[error.start]:02x} at byte {at}, near '{guess}')", advice
    )


def _csv(path: Path, names: frozenset[str]) -> CsvSource:
    found = [_header(path, delimiter) for delimiter in DELIMITERS]
    return max(found, key=lambda source: len(names.intersection(source.header)))  # the first of equals: the comma


def _header(path: Path, delimiter: str) -> CsvSource:
    skip, row = 0, list[str]()
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(_bounded(file), delimiter=delimiter)
        try:
            while not any(cell.strip() for cell in row):
                skip = lines.line_num
                row = next(lines)
        except StopIteration:
            raise unreadable("only blank lines", "Send the file again; the export broke off.") from None
        except csv.Error as error:
            raise unreadable(f"a first line that is not CSV ({error})", "Export the table as CSV again.") from None
    return CsvSource(path, delimiter, tuple(cell.strip() for cell in row), skip)


def _bounded(file: TextIO) -> Iterator[str]:
    """Lines of a bounded length: what has no line break for long has no header."""
    while line := file.readline(HEADER_CHARACTERS):
        if len(line) == HEADER_CHARACTERS:
            raise unreadable(
                f"a first line of over {HEADER_CHARACTERS:,} characters", "Begin the file with a header line."
            )
        yield line
