"""Find out what kind of file an object is by its bytes, never by its name, and make it one that can be scanned."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from retide.data.compression import packing, unpack
from retide.data.dialect import CsvSource, read_dialect
from retide.data.encodings import as_utf8
from retide.data.engine import alias
from retide.data.findings import unreadable
from retide.data.jsonlines import as_csv
from retide.data.parquet import ENCRYPTED, PLAIN, ParquetSource, check_ends
from retide.domain.contract import Contract

type Source = CsvSource | ParquetSource

_FOREIGN: Final = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet (.xlsx)",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Office document (.xls)",
    b"SQLite format 3": "an SQLite database",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"ARROW1": "an Arrow file",
    b"FEA1": "a Feather file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"\x80\x03": "a pickle, which could run code",
    b"\x80\x04": "a pickle, which could run code",
    b"\x80\x05": "a pickle, which could run code",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x04\x22\x4d\x18": "an LZ4 archive",
    b"\xff\x06\x00\x00sNaPpY": "a Snappy stream",
    b"\x7fELF": "a program",
}
_TAR: Final = (257, b"ustar")
_START: Final = 512


def identify(path: Path, scratch: Path, contract: Contract) -> Source:
    """`scratch` takes what is unpacked or rewritten. Raises Refused; an OSError is the disk's, never the file's."""
    path = alias(path, scratch)
    start = _start(path)
    if kind := packing(start):
        path = unpack(path, kind, scratch / "unpacked")
        start = _start(path)
        if again := packing(start):
            raise unreadable(f"a {again} file inside a {kind} file", "Compress the table once.")
    if not _is_text(start):  # a column may well be called ORC or PAR1
        _refuse_foreign(start)
        if start.startswith((PLAIN, ENCRYPTED)):
            return check_ends(path)
    return _text(path, scratch, contract)


def _text(path: Path, scratch: Path, contract: Contract) -> CsvSource:
    secret = any(column.pii for column in contract.columns)
    text = as_utf8(path, scratch, contract.format.encoding, secret=secret)
    sign = _start(text.path).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if sign == b"{":
        return as_csv(text.path, scratch / "rows.csv", contract)
    if sign == b"[":
        raise unreadable(
            "a JSON array", "Write JSON Lines: one object on each line, no brackets around, no commas between."
        )
    if sign == b"<":
        raise unreadable("HTML or XML text", "Export the table as CSV, JSON Lines or Parquet.")
    return read_dialect(text, contract)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(_START)
    if not start:
        raise unreadable("an empty file (0 bytes)", "Send the file again; the upload or the export broke off.")
    return start


def _is_text(start: bytes) -> bool:
    """Surely text: a line of signs that can be typed."""
    return b"\n" in start and start.isascii() and all(byte >= ord(" ") or byte in b"\t\r\n" for byte in start)


def _refuse_foreign(start: bytes) -> None:
    place, tar = _TAR
    kinds = [kind for magic, kind in _FOREIGN.items() if start.startswith(magic)]
    if start[place:].startswith(tar):
        kinds.append("a tar archive")
    if kinds:
        raise unreadable(f"{kinds[0]}, whatever its name says", "Export the table as CSV, JSON Lines or Parquet.")
