"""Find out how the times of a text are written, so that they can be parsed while the text is read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from retide.data.dialect import CsvSource
from retide.data.shape import records
from retide.domain.contract import ColumnType, Contract

_LOOKED_AT: Final = 100  # rows: a column without any time in them is read as text
_WRITTEN: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:([ T])[0-9]{2}:[0-9]{2}:[0-9]{2}(Z?))?")


@dataclass(frozen=True, slots=True)
class Times:
    """`columns` are those whose first time is written in `format`, as strptime names it; of others it says nothing."""

    format: str
    columns: frozenset[str]


def times_in(source: CsvSource, contract: Contract) -> Times | None:
    """By the first rows; None where no column of times has one there that is written in a usual way."""
    formats = {column: form for column, value in _first(source, contract).items() if (form := _format(value))}
    usual = next(iter(formats.values()), None)
    return Times(usual, frozenset(column for column, form in formats.items() if form == usual)) if usual else None


def _first(source: CsvSource, contract: Contract) -> dict[str, str]:
    """The first value of each column of times."""
    wanted = {column.name for column in contract.columns if column.type is ColumnType.TIMESTAMP}
    places = {column: place for column, place in source.places.items() if column in wanted}
    missing, found = {"", *contract.missing}, dict[str, str]()
    for row in _rows(source) if places else ():
        cells = {column: row[place] for column, place in places.items() if place < len(row)}
        found = {column: value for column, value in cells.items() if value not in missing} | found
        if len(found) == len(places):
            break
    return found


def _rows(source: CsvSource) -> Iterator[list[str]]:
    """The first rows of data; fewer where one cannot be read: whoever reads on says what is wrong with it."""
    with suppress(csv.Error):
        filled = (row for row in records(source) if any(cell.strip() for cell in row))
        yield from islice(filled, source.named, source.named + _LOOKED_AT)


def _format(value: str) -> str | None:
    written = _WRITTEN.fullmatch(value)
    if written is None:
        return None
    between, zone = written.groups()
    return f"%Y-%m-%d{between}%H:%M:%S{zone}" if between else "%Y-%m-%d"
