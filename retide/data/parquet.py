"""Look at what a Parquet file says about itself before it is read: its ends, its footer, its size, its columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from retide.data import limits
from retide.data.engine import path as quoted
from retide.data.findings import unreadable

PLAIN: Final = b"PAR1"
ENCRYPTED: Final = b"PARE"
_PAGE: Final = 16 * 2**10  # bytes of the dictionary of a column of few values
_AROUND: Final = 12  # the mark at the start, the footer's length and the mark at the end


@dataclass(frozen=True, slots=True)
class ParquetSource:
    path: Path


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says of itself: its rows in all and in its row groups, and the columns that have few values."""

    rows: int
    row_groups: int
    in_groups: int
    few: frozenset[str]


def check_ends(path: Path) -> ParquetSource:
    """Raises Refused for a file that is cut off, encrypted, or whose footer cannot be where it says."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        footer, mark = int.from_bytes(file.read(4), "little"), file.read(4)
    if mark == ENCRYPTED:
        raise unreadable("an encrypted Parquet file", "Write it without encryption; the bucket encrypts what it holds.")
    if size < _AROUND or mark != PLAIN:
        advice = "The upload broke off: send the file again."
        raise unreadable(f"a Parquet file that is cut off (its {size:,} bytes lack the end)", advice)
    if not 0 < footer <= size - _AROUND:
        seen = f"a Parquet file whose footer cannot be right ({footer:,} bytes of {size:,})"
        raise unreadable(seen, "It was damaged on its way: export and send it again.")
    if footer > limits.FOOTER:
        seen = f"a Parquet file with a footer of {footer:,} bytes; up to {limits.FOOTER:,} are taken"
        raise unreadable(seen, "Write fewer and larger row groups.")
    return ParquetSource(path)


def footer(file: Path, connection: duckdb.DuckDBPyConnection) -> Footer:
    """Raises Refused for more row groups than are taken, and duckdb.Error for what is no footer."""
    counts = f"SELECT num_rows, num_row_groups FROM parquet_file_metadata({quoted(file)})"
    ((rows, groups),) = connection.execute(counts).fetchall()
    if groups > limits.ROW_GROUPS:
        raise unreadable(
            f"a Parquet file of {groups:,} row groups", f"Write at most {limits.ROW_GROUPS:,}, each larger."
        )
    columns = (
        "SELECT coalesce(sum(row_group_num_rows) FILTER (column_id = 0), 0), list(path_in_schema) FILTER (row_group_id "
        "= 0 AND dictionary_page_offset > 0 AND data_page_offset - dictionary_page_offset "
        f"BETWEEN 1 AND {_PAGE}) FROM parquet_metadata({quoted(file)})"
    )
    ((counted, few),) = connection.execute(columns).fetchall()
    return Footer(rows, groups, int(counted), frozenset(few or ()))


def relation(source: ParquetSource) -> str:
    """SQL for its rows. Byte arrays are text, as they were before Parquet could say so."""
    return f"read_parquet({quoted(source.path)}, hive_partitioning=false, binary_as_string=true)"


def columns(source: ParquetSource, connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Each column's name in the file, DuckDB's name for it (which differs for a repeated one) and its type."""
    schema = connection.execute(f"SELECT name, num_children FROM parquet_schema({quoted(source.path)})").fetchall()
    described = connection.execute(f"DESCRIBE FROM {relation(source)}").fetchall()
    return [(name, row[0], row[1]) for name, row in zip(_top_level(schema), described, strict=True)]


def _top_level(schema: list[tuple[str, int | None]]) -> list[str]:
    """The schema is a tree, written down depth first; its root is the table."""
    names, place = list[str](), 1
    while place < len(schema):
        names.append(schema[place][0])
        left = 1
        while left and place < len(schema):
            left += (schema[place][1] or 0) - 1
            place += 1
    return names


def check_size(source: ParquetSource, connection: duckdb.DuckDBPyConnection) -> Footer:
    """Raises Refused where counts in the footer contradict each other, or promise too much."""
    found = footer(source.path, connection)
    rows, size = found.rows, source.path.stat().st_size
    if rows > (most := min(limits.ROWS, limits.ROWS_FROM + limits.ROWS_PER_BYTE * size)):
        seen = f"a Parquet file that claims {rows:,} rows; {most:,} is the most that is taken of its size"
        raise unreadable(seen, "If there are as many, split the table into several files.")
    if found.in_groups != rows:
        both = f"{rows:,} rows in all, {found.in_groups:,} in its row groups"
        seen = f"a Parquet file whose footer contradicts itself: {both}"
        raise unreadable(seen, "It was damaged or written wrongly: export and send it again.")
    return found
