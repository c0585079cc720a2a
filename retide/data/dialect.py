"""Find out how a CSV text is to be read: its delimiter, and whether it begins with the names of its columns."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import TextIOWrapper
from pathlib import Path
from typing import Final, TextIO

from retide.data import limits
from retide.data.encodings import Text
from retide.data.findings import Refused, counted, listed, unreadable, warning
from retide.domain.contract import ColumnType, Contract
from retide.domain.formats import Format, Header
from retide.domain.verdict import Finding

_INTEGER: Final = re.compile(r"[+-]?[0-9]+([.,]0*)?")
_FLOAT: Final = re.compile(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEAN: Final = re.compile(r"true|t|yes|y|1|1\.0|false|f|no|n|0|0\.0", re.IGNORECASE)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*")
_SHOWN: Final = 30
_SAMPLE: Final = 2**18  # bytes
_SHAPES: Final[Mapping[ColumnType, re.Pattern[str]]] = {
    ColumnType.INTEGER: _INTEGER,
    ColumnType.FLOAT: _FLOAT,
    ColumnType.BOOLEAN: _BOOLEAN,
    ColumnType.TIMESTAMP: _TIME,
}


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A text of rows in UTF-8, checked from the first byte to the last.

    `header` has the names that the file gives its columns, `places` the number of the field that holds each, of
    `width` fields in all. `skip` lines stand above the header, or above the first row where there is none in the file
    (`named` is false), and its lines end with `line_end`. `flaws` says in words what is wrong with a row that was no
    row (by its number, from 1). Where `plain`, every byte is ASCII; without `underscores`, none comes after the first
    line.
    """

    path: Path
    delimiter: str
    header: tuple[str, ...]
    places: Mapping[str, int]
    width: int
    skip: int = 0
    named: bool = True
    decimal: str = "."
    line_end: str = "\n"
    plain: bool = False
    underscores: bool = True
    flaws: Mapping[int, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def before(self) -> int:
        """How many records a reader counts before the first row of data."""
        return self.skip + self.named

    def rows_about(self) -> int:
        """How many rows there are, if all are as long as the first."""
        with self.path.open("rb") as file:
            start, size = file.read(_SAMPLE), file.seek(0, 2)
        return size * start.count(self.line_end.encode()) // max(1, len(start)) + 1


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a text begins: behind `skip` blank lines, at an offset that `seek` takes."""

    skip: int
    offset: int


@dataclass(frozen=True, slots=True)
class _First:
    """The first line of a text that is not blank, cut by one delimiter."""

    delimiter: str
    cells: tuple[str, ...]
    skip: int

    def names(self, contract: Contract) -> int:
        return len({column.name for column in contract.columns}.intersection(self.cells))


def read_dialect(text: Text, contract: Contract) -> CsvSource:
    """The delimiter is the one that finds most of the contract's columns. Raises Refused."""
    source = _read_dialect(text.path, contract)
    return replace(source, line_end=text.line_end, plain=text.plain, underscores=text.underscores)


def _read_dialect(path: Path, contract: Contract) -> CsvSource:
    start = _start(path)
    found = [_first(path, start, delimiter) for delimiter in contract.format.delimiters]
    best = max(found, key=lambda first: first.names(contract))  # the first of equals: the comma
    most = 2 * best.names(contract) > len(contract.columns)
    if most or (best.names(contract) and contract.format.header is not Header.NO):
        return _with_header(path, best, contract.format)
    if contract.format.header is Header.NO:
        widest = max(found, key=lambda first: (len(first.cells) == len(contract.columns), len(first.cells)))
        return _without_header(path, widest, contract)
    row = next((first for first in found if _is_row(first.cells, contract)), None)
    if row and contract.format.header is Header.AUTO:
        return replace(_without_header(path, row, contract), findings=(_read_by_order(contract),))
    return _with_header(path, best, contract.format)


def _with_header(path: Path, first: _First, dress: Format) -> CsvSource:
    places = {name: place for place, name in enumerate(first.cells)}
    findings = (_names_after_all(),) if dress.header is Header.NO else ()
    width = len(first.cells)
    return CsvSource(
        path, first.delimiter, first.cells, places, width, first.skip, decimal=dress.decimal, findings=findings
    )


def _without_header(path: Path, first: _First, contract: Contract) -> CsvSource:
    """The columns are the contract's, in its order: that only works if there are as many."""
    names = tuple(column.name for column in contract.columns)
    if len(first.cells) != len(names):
        raise Refused(_other_width(len(first.cells), names))
    places = {name: place for place, name in enumerate(names)}
    return CsvSource(
        path, first.delimiter, names, places, len(names), first.skip, named=False, decimal=contract.format.decimal
    )


def _is_row(cells: tuple[str, ...], contract: Contract) -> bool:
    """Whether the cells fit the contract's columns in their order, and one of them surely is no name."""
    if len(cells) != len(contract.columns):
        return False
    given = [(column, cell) for column, cell in zip(contract.columns, cells, strict=True) if column.type in _SHAPES]
    given = [(column, cell) for column, cell in given if cell not in contract.missing]
    return bool(given) and all(_SHAPES[column.type].fullmatch(cell) for column, cell in given)


def _read_by_order(contract: Contract) -> Finding:
    seen = f"a row of data; it was read as the {len(contract.columns)} columns of the contract, in their order"
    advice = "If that is right, say so in the contract (format: {header: no}); if not, begin the file with a header."
    return warning("columns", "", "the names of the columns in the first line", seen, advice)


def _names_after_all() -> Finding:
    expected = "no header, as the contract says (format.header)"
    seen = "the names of its columns in the first line; the columns were found by them"
    return warning("columns", "", expected, seen, "Correct the contract, if files have a header now.")


def _other_width(width: int, names: tuple[str, ...]) -> Finding:
    expected = f"{len(names)} fields, as files without a header have the contract's columns in its order"
    advice = f"Send exactly these columns: {listed(list(names), _SHOWN)}; or a header with their names."
    return Finding("columns", "", expected, f"{counted(width, 'field')} in the first line", advice)


def _first(path: Path, start: _Start, delimiter: str) -> _First:
    with path.open("rb") as bytes_, TextIOWrapper(bytes_, encoding="utf-8-sig", newline="") as file:
        bytes_.seek(start.offset)
        lines = csv.reader(_bounded(file), delimiter=delimiter)
        skip, row = 0, list[str]()
        try:
            while not any(cell.strip() for cell in row):
                skip = lines.line_num
                row = next(lines)
        except StopIteration:
            raise _nothing() from None
        except csv.Error as error:
            raise unreadable(f"a first line that is not CSV ({error})", "Export the table as CSV again.") from None
    if len(row) > limits.COLUMNS:
        seen = f"{len(row):,} columns (cut at each {delimiter!r}), more than the {limits.COLUMNS:,} that are taken"
        raise unreadable(seen, "Send the columns that the contract names, or a row for each cell.")
    return _First(delimiter, tuple(cell.strip() for cell in row), start.skip + skip)


def _start(path: Path) -> _Start:
    """Blank lines are passed once, in bulk, and not for each delimiter in question: there may be millions of them."""
    skip, offset, position = 0, 0, 0
    with path.open("rb") as file:
        while chunk := file.read(limits.MIB):
            filled = chunk.removeprefix(codecs.BOM_UTF8 if not position else b"").lstrip()
            blank = chunk[: len(chunk) - len(filled)]
            skip += blank.count(b"\n") or blank.count(b"\r")  # line ends are of one kind by now
            offset = max(offset, position + 1 + max(blank.rfind(b"\n"), blank.rfind(b"\r")) if blank else 0)
            if filled:
                return _Start(skip, offset)
            position += len(chunk)
    raise _nothing()


def _nothing() -> Refused:
    return unreadable("only blank lines or empty cells", "Send the file again; the export broke off.")


def _bounded(file: TextIO) -> Iterator[str]:
    """Lines of a bounded length: what has no line break for long has no header."""
    while line := file.readline(limits.HEADER_CHARACTERS):
        if len(line) == limits.HEADER_CHARACTERS:
            seen = f"a first line of over {limits.HEADER_CHARACTERS:,} characters"
            raise unreadable(seen, "Begin the file with a header line.")
        yield line
