"""Make the tables that are judged: the same values on every machine, as CSV and Parquet, clean, faulty and reference.

    python -m benchmarks.judging.data FOLDER [--rows 1000000] [--columns 10]

Every value is a hash of its row's number, its column and a seed, so that rows can be made in any order by any number of
threads. The ids are unique but neither in order nor dense: nobody is given the easy case.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal

import duckdb

from benchmarks.judging.rules import (
    ACROSS,
    ARRIVED,
    CATEGORY,
    DUPLICATE,
    MISSING_VALUE,
    PATTERN,
    RANGE,
    TABLES,
    TYPE,
    Field,
)

type Content = Literal["clean", "faulty", "mistyped", "reference"]
type Format = Literal["csv", "parquet"]

FORMATS: Final[tuple[Format, ...]] = ("csv", "parquet")
REFERENCE_ROWS: Final = 200_000
ROW_GROUP: Final = 122_880  # as most writers have it by default, give or take
_MADE_BY: Final = "1"  # part of the files' names: another way of making them is another file


@dataclass(frozen=True, slots=True)
class Table:
    """One file to be made: `reference` is drawn with another seed and always has REFERENCE_ROWS rows."""

    rows: int
    columns: int
    content: Content
    form: Format

    @property
    def seed(self) -> int:
        return 2 if self.content == "reference" else 1

    @property
    def name(self) -> str:
        return f"{self.content}-{self.columns}x{self.rows}-{_MADE_BY}.{self.form}"


def reference(columns: int, form: Format = "parquet") -> Table:
    return Table(REFERENCE_ROWS, columns, "reference", form)


def planted(rows: int) -> dict[str, tuple[int, ...]]:
    """In which row, from 1, each fault lies that lies in a single row; a duplicate in two, far apart."""
    faults = (MISSING_VALUE, RANGE, CATEGORY, PATTERN, ACROSS, TYPE)
    places = {fault: (rows * (place + 1) // 10,) for place, fault in enumerate(faults)}
    return places | {DUPLICATE: (rows // 10, rows - rows // 10 + 1)}


def make(table: Table, folder: Path) -> Path:
    """The file, made now unless it is there; written beside its place first, so that half a file is never used."""
    target = folder / table.name
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with duckdb.connect(config={"temp_directory": str(folder / "spill"), "memory_limit": "2GiB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({_rows(table)}) TO '{part}' ({_options(table.form)})")
    part.replace(target)
    return target


def _options(form: Format) -> str:
    return "FORMAT csv, HEADER" if form == "csv" else f"FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {ROW_GROUP}"


def _rows(table: Table) -> str:
    values = ", ".join(_column(field, table) for field in TABLES[table.columns].fields)
    return f"SELECT {values} FROM (SELECT range + 1 AS i FROM range({table.rows}))"


def _column(field: Field, table: Table) -> str:
    value = _PLANTED.get(field.name, _as_it_is)(_value(field, table), table)
    return f'{value} AS "{field.name}"'


def _value(field: Field, table: Table) -> str:
    value = _SPECIAL[field.name] if field.name in _SPECIAL else _plain(field)
    value = value.format(u=_uniform(field.name, table.seed), v=_uniform(f"{field.name}~", table.seed))
    if field.nullable:
        return f"CASE WHEN {_uniform(f'{field.name}?', table.seed)} >= {_missing(field, table)} THEN {value} END"
    return value


def _missing(field: Field, table: Table) -> float:
    return 0.25 if table.content == "faulty" and field.name == "discount" else 0.05


def _uniform(what: str, seed: int) -> str:
    """SQL for a number from 0 (inclusive) to 1 (exclusive)."""
    return f"((hash(i, '{what}', {seed}) >> 12) / {2**52}.0)"


def _plain(field: Field) -> str:
    """A column of no further meaning: bell-shaped numbers, values of a set with the first the most frequent."""
    if field.kind == "category":
        return f"list_extract({list(field.values)}, 1 + CAST(floor({len(field.values)} * {{u}} * {{u}}) AS INTEGER))"
    if field.kind == "integer":
        return "CAST(floor(1000 * {u} * {v}) AS BIGINT)"
    return "round(100 * ({u} + {v} - 1), 4)"


_SPECIAL: Final = {
    "order_id": f"CAST((i * {0x9E3779B1} + 12345) % {2**40} AS BIGINT)",  # odd factor: no two rows the same
    "ordered": f"make_timestamp(CAST(1000000 * floor(epoch(TIMESTAMP '{ARRIVED[:19]}') - 7776000 * {{u}}) AS BIGINT))",
    "delivered": "ordered + to_seconds(CAST(floor(600 + 864000 * {u}) AS BIGINT))",
    "amount": "round(exp(3 + 2 * ({u} + {v} - 0.5)), 2)",
    "quantity": "CAST(1 + floor(99 * {u} * {u} * {v}) AS BIGINT)",
    "discount": "round({u} * {v}, 3)",
    "sku": "chr(65 + CAST(floor(26 * {u}) AS INTEGER)) || chr(65 + CAST(floor(26 * {v}) AS INTEGER)) || '-' || "
    "lpad(CAST(CAST(floor(999999 * {u}) AS INTEGER) AS VARCHAR), 6, '0')",
    "returned": "{u} < 0.1",
}


def _as_it_is(value: str, _table: Table) -> str:
    return value


def _at(fault: str, wrong: str, value: str, table: Table) -> str:
    return f"CASE WHEN i = {planted(table.rows)[fault][0]} THEN {wrong} ELSE {value} END" if _faulty(table) else value


def _faulty(table: Table) -> bool:
    return table.content == "faulty"


def _duplicate(value: str, table: Table) -> str:
    """The id of a row of the first tenth stands once more in one of the last."""
    if not _faulty(table):
        return value
    first, second = planted(table.rows)[DUPLICATE]
    return value.replace("(i * ", f"(CASE WHEN i = {second} THEN {first} ELSE i END * ")


def _amount(value: str, table: Table) -> str:
    if table.content == "mistyped":
        return f"CASE WHEN i = {planted(table.rows)[TYPE][0]} THEN 'twelve' ELSE CAST({value} AS VARCHAR) END"
    return _at(RANGE, "-5.0", f"{value} * 4" if _faulty(table) else value, table)


def _ordered(value: str, table: Table) -> str:
    """Faulty: all events are a year old."""
    return f"{value} - INTERVAL 365 DAY" if _faulty(table) else value


_PLANTED: Final[Mapping[str, Callable[[str, Table], str]]] = {
    "order_id": _duplicate,
    "ordered": _ordered,
    "delivered": partial(_at, ACROSS, "ordered - INTERVAL 1 DAY"),
    "amount": _amount,
    "quantity": partial(_at, MISSING_VALUE, "NULL"),
    "country": partial(_at, CATEGORY, "'XX'"),
    "sku": partial(_at, PATTERN, "'ab-12'"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=10, choices=sorted(TABLES))
    parser.add_argument("--formats", default=",".join(FORMATS))
    options = parser.parse_args()
    contents: tuple[Content, ...] = ("clean", "faulty", "mistyped")
    for form in (form for form in FORMATS if form in options.formats.split(",")):
        for content in contents:
            print(make(Table(options.rows, options.columns, content, form), options.folder))
    print(make(reference(options.columns), options.folder))


if __name__ == "__main__":
    main()
