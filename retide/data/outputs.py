"""Write what is asked for beside a verdict: typed rows, the rows taken out of them, the keys that none may repeat."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import Final

import duckdb

from retide.data import parquet
from retide.data.cells import bucket
from retide.data.dialect import CsvSource
from retide.data.engine import confine, connect, name, path, row_group
from retide.data.shape import Ragged
from retide.data.source import Source
from retide.data.uniqueness import everywhere, write_keys
from retide.domain.contract import Contract

BUCKET: Final = "__bucket"
_AT_ONCE: Final = 1_000  # rows in Python's memory

type Row = tuple[int, str, tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where things go in the end; until then they are in `scratch`, the only place where DuckDB may write."""

    scratch: Path
    keep: Path | None
    rejected: Path | None
    keys: Path | None

    @property
    def rows(self) -> Path:
        return self.scratch / "rows.parquet"

    @property
    def _written_keys(self) -> Path:
        return self.scratch / "keys.parquet"

    def write_rows(self, relation: str, contract: Contract, *files: Path) -> None:
        """With one thread, since the number of threads shows in where a row group ends: the same rows, the same bytes.

        `files` are those that the relation reads outside of `scratch`.
        """
        with connect(self.scratch, threads=1) as connection:
            confine(connection, self.scratch, *files)
            size = row_group(len(contract.columns))
            connection.execute(
                f"COPY (SELECT *, {bucket(contract)} AS {name(BUCKET)} FROM {relation}) "
                f"TO {path(self.rows)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {size})"
            )

    def deliver_rows(self) -> str | None:
        """The sha256 of the rows, which are handed over; None where they were not asked for."""
        if self.keep is None:
            return None
        with self.rows.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        shutil.move(self.rows, self.keep)
        return digest

    def write_keys(self, relation: str, contract: Contract, connection: duckdb.DuckDBPyConnection) -> None:
        """Where they are asked for: to scratch."""
        uniques = everywhere(contract)
        if self.keys is not None and uniques:
            write_keys(relation, uniques, self._written_keys, connection)

    def deliver_keys(self) -> None:
        """Those that were written."""
        if self.keys is not None and self._written_keys.exists():
            shutil.move(self._written_keys, self.keys)

    def deliver_rejected(self, header: tuple[str, ...], rows: Iterator[Row]) -> None:
        """CSV in UTF-8: the number of the row, the rules that it breaks, and its cells as they stand in the file."""
        if self.rejected is None:
            return
        target = self.scratch / "rejected.csv"
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("row", "rules", *header))
            writer.writerows((number, rules, *cells) for number, rules, cells in rows)
        shutil.move(target, self.rejected)


def own_columns(source: Source, connection: duckdb.DuckDBPyConnection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that a file gives its columns, and SQL for each of them."""
    if isinstance(source, CsvSource):
        return source.header, tuple(f"c{i}" for i in range(source.width))
    there = parquet.columns(source, connection)
    return tuple(column for column, _, _ in there), tuple(name(inside) for _, inside, _ in there)


def taken_out(
    relation: str, cells: tuple[str, ...], bad: Path, ragged: Ragged, connection: duckdb.DuckDBPyConnection
) -> Iterator[Row]:
    """The rows named in `bad`, and those of no shape, in the order of the file."""
    shown = ", ".join(f"CAST({cell} AS VARCHAR)" for cell in cells)
    all_rules = "string_agg(DISTINCT rule, '; ' ORDER BY rule)"
    rules = f"SELECT __row, {all_rules} AS rules FROM read_parquet({path(bad)}) GROUP BY __row"
    numbered = f"(SELECT row_number() OVER () AS __row, * FROM {relation})"
    query = f"SELECT __row, rules, {shown} FROM {numbered} JOIN ({rules}) USING (__row) ORDER BY __row"
    without = ((number, "shape", (line,)) for number, (_, line) in sorted(ragged.rows.items()))
    yield from merge(_fetched(connection.execute(query), ragged), without, key=lambda row: row[0])


def _fetched(result: duckdb.DuckDBPyConnection, ragged: Ragged) -> Iterator[Row]:
    while rows := result.fetchmany(_AT_ONCE):
        for row, rules, *cells in rows:
            yield ragged.number(row), rules, tuple(cells)
