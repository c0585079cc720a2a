"""One hostile file: how it is made and what must become of it, in which words; and the table that most start from."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retide.domain.contract import Contract
from tests.unit.data.tables import HEADER, contract, csv_text, rows

type Named = tuple[str, bytes | str, str]  # a name, what is in the file, what its refusal says

GOOD = csv_text(rows())
CSV = GOOD.encode()
RULES = contract()


@dataclass(frozen=True)
class Case:
    """`make` writes the file. `refused` is what the refusal must say; empty where the file must be accepted.

    With `harmless`, it may also be accepted: not every damage is one.
    """

    name: str
    make: Callable[[Path], object]
    refused: str
    rules: Contract = field(default=RULES, repr=False)
    harmless: bool = False

    def __str__(self) -> str:
        return self.name


def case(name: str, content: bytes | str, refused: str, rules: Contract = RULES, *, harmless: bool = False) -> Case:
    written = content.encode() if isinstance(content, str) else content
    return Case(name, lambda path: path.write_bytes(written), refused, rules, harmless)


def cases(group: str, table: Iterable[Named]) -> list[Case]:
    return [case(f"{group}: {name}", content, refused) for name, content, refused in table]


def noise(seed: int, size: int = 4096) -> bytes:
    return random.Random(seed).randbytes(size)


def cell(column: str, value: object, row: int = 7) -> str:
    """The good table as CSV with another value in one cell."""
    table = rows()
    table[row - 1][HEADER.index(column)] = value
    return csv_text(table)


def headed(names: Sequence[str]) -> str:
    """The good rows under another header."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([names, *rows()])
    return text.getvalue()


def renamed(column: str, name: str) -> str:
    return headed([name if known == column else known for known in HEADER])
