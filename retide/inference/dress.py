"""Find out how a file is written that no contract describes yet: its encoding, its delimiter, and its column names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from retide.data.dialect import CsvSource
from retide.data.findings import Refused, shown
from retide.data.source import Source, identify
from retide.domain.contract import Column, ColumnType, Contract, Direction, Metric, Task
from retide.domain.formats import DELIMITERS, Decimal, Encoding, Format, Header
from retide.inference.errors import CannotInfer

_PEEKED: Final = 500  # records
_BYTES: Final = 2**20
_NUMBER: Final = re.compile(r"[-+]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][-+]?[0-9]+)?")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_SHOWN: Final = 8

type Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dress:
    """How a file is read: `format` is what its contract says of it, `names` has its columns in their order.

    `guessed` says in words what was taken for likely. A file that is no CSV has the plain format.
    """

    format: Format
    names: tuple[str, ...]
    source: Source
    delimiter: str = ","
    guessed: tuple[str, ...] = ()

    def with_decimal(self, decimal: Decimal) -> Dress:
        """The same where numbers have this sign; a comma is named with the delimiter, which it could be taken for."""
        if decimal is Decimal.POINT:
            return self
        sign = self.format.delimiter or _word(self.delimiter)
        return replace(self, format=replace(self.format, delimiter=sign, decimal=decimal))


@dataclass(frozen=True, slots=True)
class _Cut:
    """The first records of a text, cut by one delimiter."""

    delimiter: str
    rows: tuple[Row, ...]

    @property
    def even(self) -> float:
        """The share of records that have as many fields as the first."""
        return Counter(len(row) for row in self.rows)[len(self.rows[0])] / len(self.rows)


def provisional(names: Sequence[str], dress: Format) -> Contract:
    """A contract under which every column is text, so that a file can be read by the same reader as ever."""
    columns = tuple(Column(name, ColumnType.STRING, nullable=True) for name in names)
    metric = Metric("log_loss", Direction.MINIMIZE)
    return Contract("draft", Task.CLASSIFICATION, names[0], columns, metric, missing=(), format=dress)


def find(path: Path, scratch: Path, target: str, columns: tuple[str, ...]) -> Dress:
    """`columns` are the names that a person gives; a file without a header needs them. Raises CannotInfer, Refused."""
    encoding, source = _opened(path, scratch)
    guessed = _encoding_words(encoding)
    if not isinstance(source, CsvSource) or not source.named:
        if columns:
            raise CannotInfer("--columns is for CSV files without a header; this file names its columns itself")
        names = source.header if isinstance(source, CsvSource) else ()
        return Dress(Format(encoding=encoding), names, source, guessed=guessed)
    cut = _best(_cuts(source.path), target, columns)
    header, names = _names(cut, target, columns)
    sign = None if cut.delimiter == "," or header is Header.AUTO else _word(cut.delimiter)
    return Dress(Format(header, sign, encoding), names, source, cut.delimiter, guessed)


def _opened(path: Path, scratch: Path) -> tuple[Encoding | None, Source]:
    """As UTF-8, or as a byte order mark says; else in the likeliest encoding that has text for every byte."""
    try:
        return None, _identify(path, scratch / "utf8", None)
    except Refused as refused:
        first = refused
    for encoding in _likely(path):
        try:
            return encoding, _identify(path, scratch / encoding.value, encoding)
        except Refused:
            continue
    raise first


def _identify(path: Path, scratch: Path, encoding: Encoding | None) -> Source:
    scratch.mkdir(parents=True)
    return identify(path, scratch, provisional(("?",), Format(Header.YES, None, encoding)))


def _likely(path: Path) -> tuple[Encoding, ...]:
    """None for what is packed or binary: then the refusal stands."""
    with path.open("rb") as file:
        start = file.read(_BYTES)
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) / 6:
        return (Encoding.UTF_16_LE,) if odd > even else (Encoding.UTF_16_BE,)
    return () if _CONTROL.search(start) else (Encoding.WINDOWS_1252, Encoding.LATIN_1)


def _encoding_words(encoding: Encoding | None) -> tuple[str, ...]:
    if encoding is None:
        return ()
    return (f"the text is not UTF-8; {encoding.value} fits every byte: see whether accents and umlauts read right",)


def _cuts(path: Path) -> list[_Cut]:
    with path.open("rb") as file:
        start = file.read(_BYTES)
    whole = start if len(start) < _BYTES else start[: start.rfind(b"\n") + 1]
    text = whole.decode("utf-8-sig", "replace")
    cuts = [_Cut(delimiter, tuple(_records(text, delimiter))) for delimiter in DELIMITERS]
    return [cut for cut in cuts if cut.rows]


def _records(text: str, delimiter: str) -> Iterator[Row]:
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        filled = (row for row in rows if any(cell.strip() for cell in row))
        yield from (tuple(cell.strip() for cell in row) for row in islice(filled, _PEEKED))
    except csv.Error:  # what this delimiter makes of it is no CSV
        return


def _best(cuts: list[_Cut], target: str, columns: tuple[str, ...]) -> _Cut:
    """The delimiter under which the names are found, the records are even, and there are most fields."""

    def rank(cut: _Cut) -> tuple[bool, bool, float, int]:
        width = len(cut.rows[0])
        named = target in cut.rows[0] if not columns else width == len(columns)
        return named, width > 1 and cut.even >= 0.95, (width > 1 and cut.even) or 0.0, width

    best = max(cuts, key=rank, default=None)
    if best is None or len(best.rows[0]) < 2:
        line = shown(best.rows[0][0]) if best else "nothing"
        raise CannotInfer(f"no delimiter cuts its first line into columns: {line}; separate them with commas")
    return best


def _names(cut: _Cut, target: str, columns: tuple[str, ...]) -> tuple[Header, Row]:
    first = cut.rows[0]
    if columns:
        return _given(cut, columns)
    if target in first or _is_header(cut):
        return Header.AUTO, first
    count = len(first)
    raise CannotInfer(
        f"it has no header: its first line is {_line(first)} ({count} fields); "
        f"name all {count} in their order with --columns, such as --columns {','.join(_example(count, target))}"
    )


def _given(cut: _Cut, columns: tuple[str, ...]) -> tuple[Header, Row]:
    first = cut.rows[0]
    if first == columns:
        return Header.AUTO, first
    if len(first) != len(columns):
        raise CannotInfer(f"--columns names {len(columns)}, but the first line has {len(first)} fields: {_line(first)}")
    if set(first) & set(columns) and not any(_NUMBER.fullmatch(cell) for cell in first):
        raise CannotInfer(f"it has a header of its own, {_line(first)}: leave --columns out, or correct the header")
    return Header.NO, columns


def _is_header(cut: _Cut) -> bool:
    """Texts only, each once, above columns of which one holds numbers, or in which they do not come again."""
    first, rest = cut.rows[0], cut.rows[1:]
    if first in (tuple(map(str, range(len(first)))), tuple(map(str, range(1, len(first) + 1)))):
        return True  # as a data frame without names is written
    if any(_NUMBER.fullmatch(cell) for cell in first) or len(set(first)) < len(first):
        return False
    below = [[row[place] for row in rest if place < len(row) and row[place]] for place in range(len(first))]
    if any(column and all(_NUMBER.fullmatch(cell) for cell in column) for column in below):
        return True
    return not any(name in column for name, column in zip(first, below, strict=True))


def _line(cells: Row) -> str:
    more = f", … ({len(cells) - _SHOWN} more)" if len(cells) > _SHOWN else ""
    return ", ".join(shown(cell) or "(nothing)" for cell in cells[:_SHOWN]) + more


def _example(count: int, target: str) -> Iterator[str]:
    yield from ("first", "second", "third")[: min(3, count - 1)]
    if count > 4:
        yield "…"
    yield target


def _word(delimiter: str) -> str:
    return {"\t": "tab", " ": "space"}.get(delimiter, delimiter)
