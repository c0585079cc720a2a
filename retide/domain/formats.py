"""What a contract may say about the dress of its files: header, delimiter, encoding, decimal sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DELIMITERS: Final = (",", ";", "\t", "|", ":", "^", "~", "\x01", "\x1f", " ")
DELIMITER_NAMES: Final[Mapping[str, str]] = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "latin-1": "latin-1",
    "iso-8859-15": "iso8859-15",
    "windows-1250": "cp1250",
    "windows-1252": "cp1252",
}  # by the name that a contract gives, Python's
DECIMALS: Final = (".", ",")


class Header(StrEnum):
    """Whether a CSV file begins with the names of its columns. AUTO: it does where they are the contract's."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Format:
    """How CSV files are written; empty means found out: the delimiter by the names in the header, the encoding by a
    byte order mark, and UTF-8 without one. Bytes that are valid UTF-8 are read as such, whatever `encoding` says.
    """

    header: Header = Header.AUTO
    delimiter: str = ""
    encoding: str = ""
    decimal: str = "."
