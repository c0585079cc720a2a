"""What a contract may say about the dress of its files: header, delimiter, encoding, decimal sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from retide.domain.settings import Choice, Text

DELIMITERS: Final = (",", ";", "\t", "|", ":", "^", "~", "\x01", "\x1f", " ")
DELIMITER_NAMES: Final[Mapping[str, str]] = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}


class Header(StrEnum):
    """Whether a CSV file begins with the names of its columns. AUTO: it does where they are the contract's."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class Encoding(StrEnum):
    """The encodings that a contract may name, by names that Python knows as well."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    LATIN_1 = "latin-1"
    ISO_8859_15 = "iso-8859-15"
    WINDOWS_1250 = "windows-1250"
    WINDOWS_1252 = "windows-1252"


class Decimal(StrEnum):
    POINT = "."
    COMMA = ","


@dataclass(frozen=True, slots=True)
class Format:
    """How CSV files are written; None means found out: the delimiter by the names in the header, the encoding by a
    byte order mark, and UTF-8 without one. Bytes that are valid UTF-8 are read as such, whatever `encoding` says.
    """

    header: Annotated[Header, Choice("whether the first line of a CSV file names its columns", tuple(Header))] = (
        Header.AUTO
    )
    delimiter: Annotated[
        str | None, Text("the sign between the fields of a CSV file", among=(*DELIMITERS, *DELIMITER_NAMES))
    ] = None
    encoding: Annotated[
        Encoding | None, Choice("what text is in that is not UTF-8 and has no byte order mark", tuple(Encoding))
    ] = None
    decimal: Annotated[Decimal, Choice("the decimal sign of numbers in CSV files", tuple(Decimal))] = Decimal.POINT

    @property
    def delimiters(self) -> tuple[str, ...]:
        """The signs in question, the likeliest first."""
        if self.delimiter:
            return (DELIMITER_NAMES.get(self.delimiter, self.delimiter),)
        return tuple(sign for sign in DELIMITERS if sign != self.decimal)
