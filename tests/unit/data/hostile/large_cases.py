"""Hostile by size: more of one thing than there is memory for, had it to be held as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from tests.unit.data.hostile.case import GOOD, Case, case, cell
from tests.unit.data.hostile.parquet_cases import START, written
from tests.unit.data.tables import HEADER, contract

MILLION = 1_000_000
ANYTHING = contract(plan={"values": []})


def _sparse(path: Path) -> None:
    """A line of 1 GiB that takes no room on the disk."""
    path.write_text(GOOD)
    os.truncate(path, 2**30)


def _line(path: Path) -> None:
    with path.open("w") as file:
        file.write(GOOD)
        file.writelines("x" * 2**20 for _ in range(256))


def _same_row(path: Path) -> None:
    """A million rows of one value each take a few hundred bytes a column."""
    values = ("C1", START, "pro", 7, 1.5, True)
    columns = {name: pa.array([value] * MILLION) for name, value in zip(HEADER, values, strict=True)}
    path.write_bytes(written(pa.table(columns)))


def _categories(path: Path) -> None:
    path.write_text(
        ",".join(HEADER) + "\n" + "".join(f"C{i},2026-01-01,category {i},7,1.5,{i % 2}\n" for i in range(300_000))
    )


def _lines_that_are_none(path: Path) -> None:
    path.write_text(GOOD + "x\n" * MILLION)


def _objects_that_are_none(path: Path) -> None:
    path.write_text('{"customer": "C1"}\n' + "{\n" * 300_000)


def _patterns() -> list[Case]:
    """Exponential for a matcher that tries again and again; DuckDB's is linear."""
    patterns = ("(a+)+", "(a|a)*", "(a|aa)+", "([a-z]+)*", "(.*)*b", "(?:a?){50}a{50}")
    text = cell("customer", "a" * 50_000 + "!")
    return [
        case(f"pattern: {pattern}", text, "customer: expected", contract(customer={"pattern": pattern}))
        for pattern in patterns
    ]


def large_cases() -> list[Case]:
    return [
        *_patterns(),
        Case("large: a line of 1 GiB that is all NUL", _sparse, "a NUL byte"),
        Case("large: a line of 256 MiB", _line, "a line of over 4,194,304 bytes"),
        Case("large: a million rows of one id", _same_row, "each id once"),
        Case("large: 300,000 categories", _categories, "", ANYTHING),
        Case("large: a million lines that are no row", _lines_that_are_none, "rows with as many fields"),
        Case("large: 300,000 lines that are no object", _objects_that_are_none, "missing"),
    ]
