"""Read JSON Lines strictly, one object a line, and lay the contract's columns down as CSV: types are judged there."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from retide.data import limits
from retide.data.dialect import CsvSource
from retide.data.findings import Refused, listed, shown, unreadable
from retide.domain.contract import Contract

_LONGEST_NAME: Final = 1_000


class _Object(list[tuple[str, object]]):
    """A JSON object as its pairs, so that a key that is given twice is seen."""


class _Flaw(Exception):
    """Why a line is no row."""


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=str)


@dataclass(slots=True)
class _Reading:
    """What was seen so far: the keys, in the order of their coming, and the lines that are no row."""

    wanted: dict[str, int]
    seen: dict[str, None] = field(default_factory=dict)
    flaws: dict[int, str] = field(default_factory=dict)


def as_csv(path: Path, target: Path, contract: Contract) -> CsvSource:
    """`path` is text in UTF-8. Numbers keep their digits, true and false their names; null and no key are no value.

    A line that is no row becomes one with a single field, which no reader takes for a row of the contract.
    """
    reading = _Reading({column.name: place for place, column in enumerate(contract.columns)})
    with path.open(encoding="utf-8-sig") as file, target.open("w", encoding="utf-8", newline="") as plain:
        csv.writer(plain).writerows(_rows(file, reading))  # ends rows with \r\n, and so puts both in quotes
    if not reading.seen:
        raise _no_object(reading.flaws)
    places = {name: reading.wanted[name] for name in reading.seen if name in reading.wanted}
    header = tuple(reading.seen)
    return CsvSource(
        target, ",", header, places, len(reading.wanted), named=False, line_end="\r\n", flaws=reading.flaws
    )


def _no_object(flaws: dict[int, str]) -> Refused:
    line, flaw = next(iter(flaws.items()), (1, "an object without keys"))
    seen = f"JSON without a row: line {line} is {flaw}"
    return unreadable(seen, "Write JSON Lines: one whole object on each line, with the contract's columns as keys.")


def _rows(lines: Iterator[str], reading: _Reading) -> Iterator[list[str]]:
    blank = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            blank = blank or number
            continue
        if blank:
            raise unreadable(f"a blank line before the end (line {blank:,})", "Write one JSON object on each line.")
        try:
            yield _row(line, reading)
        except _Flaw as flaw:
            if len(reading.flaws) < limits.FLAWS:
                reading.flaws[number] = str(flaw)
            yield [shown(line.strip())]


def _row(line: str, reading: _Reading) -> list[str]:
    cells = [""] * len(reading.wanted)
    given = set[str]()
    for key, value in _parsed(line):
        place = reading.wanted.get(key)
        if place is None:
            _remember(key, reading)
            continue
        if key in given:
            raise _Flaw(f"an object with the key {shown(key)} twice")
        given.add(key)
        cells[place] = _cell(key, value)
    reading.seen.update(dict.fromkeys(given))
    return cells


def _parsed(line: str) -> _Object:
    try:
        value = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        raise _Flaw(f"no JSON object: {error.msg} at character {error.pos + 1:,}") from None
    except RecursionError:
        raise _Flaw("nested too deeply") from None
    if not isinstance(value, _Object):
        raise _Flaw("another JSON value than an object")
    return value


def _remember(key: str, reading: _Reading) -> None:
    """Unknown keys are told of, and bounded: each line could bring others."""
    reading.seen[key[:_LONGEST_NAME]] = None
    if len(reading.seen) > limits.COLUMNS:
        names = listed(list(reading.seen), 3)
        seen = f"more than {limits.COLUMNS:,} different keys ({names})"
        raise unreadable(seen, "Use the contract's columns as keys, the same on each line.")


def _cell(key: str, value: object) -> str:
    """The value's text; raises _Flaw for one that no cell can hold."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        raise _Flaw(f"an object with a list or an object for {shown(key)}")
    text = str(value)
    if "\0" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)):
        raise _Flaw(f"an object with a NUL or half a surrogate pair in {shown(key)}")
    return text
