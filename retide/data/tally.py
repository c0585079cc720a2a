"""Profile columns of few values by counting each of them: all that a profile says follows, and it is far cheaper."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from math import fsum
from pathlib import Path
from typing import Final

import duckdb

from retide.data import cells, moments
from retide.data.engine import name
from retide.data.engine import path as quoted
from retide.data.statistics import counted, few
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract
from retide.domain.profile import ColumnProfile, Numbers, edges, keep

_LEAST: Final = 2**16  # rows; of fewer, it is as fast to aggregate all columns as to plan so many queries
MOST: Final = 4_096  # values; of more, the aggregate of all columns is as fast
_PAGE: Final = 16 * 2**10  # bytes of a Parquet column's dictionary that has so many values
_COLUMNS: Final = 100  # each is a query of its own

type Counts = Mapping[float | str | None, int]


def promising(file: Path, rows: int, contract: Contract, connection: duckdb.DuckDBPyConnection) -> list[Column]:
    """The columns whose values are few by the footer of a Parquet file of so many rows, if counting is worth it.

    Nothing but time depends on that being true.
    """
    if rows < _LEAST:
        return []
    query = (
        f"SELECT path_in_schema FROM parquet_metadata({quoted(file)}) WHERE row_group_id = 0 "
        f"AND dictionary_page_offset > 0 AND data_page_offset - dictionary_page_offset BETWEEN 1 AND {_PAGE}"
    )
    small = {column for (column,) in connection.execute(query).fetchall()}
    return [column for column in contract.columns if column.name in small and _suits(column, contract)][:_COLUMNS]


def _suits(column: Column, contract: Contract) -> bool:
    """Of ids and of what is sensitive nothing is counted; of what is grouped by value anyway, nothing twice."""
    if column.pii or column.name in contract.id:
        return False
    return (
        few(column) if column.type is ColumnType.CATEGORY else column.type in NUMERIC and not counted(column, contract)
    )


def tallied(relation: str, column: Column, connection: duckdb.DuckDBPyConnection) -> Counts | None:
    """How often each value of a column of the relation, which is SQL, occurs, NULL too; None for more than MOST."""
    query = f"SELECT {name(column.name)}, count(*) FROM {relation} GROUP BY 1 LIMIT {MOST + 1}"
    counts = connection.execute(query).fetchall()
    return dict(counts) if len(counts) <= MOST else None


def all_numbers(counts: Counts) -> bool:
    """Whether jobs can compute with all of them: see `cells.LARGEST`."""
    return all(value is None or abs(float(value)) <= float(cells.LARGEST) for value in counts)


def told(column: Column, counts: Counts) -> ColumnProfile:
    """As `statistics.measure` says it of the same rows."""
    nulls = counts.get(None, 0)
    if column.type not in NUMERIC:
        present = {str(value): rows for value, rows in counts.items() if value is not None}
        return ColumnProfile(nulls, categories=keep(present, sum(present.values())))
    numbers = {float(value): rows for value, rows in counts.items() if value is not None}
    return ColumnProfile(nulls, _numbers(column, numbers) if numbers else None)


def _numbers(column: Column, counts: Mapping[float, int]) -> Numbers:
    count, low, high = sum(counts.values()), min(counts), max(counts)
    mean = fsum(value * rows for value, rows in counts.items()) / count
    squares = fsum((value - mean) ** 2 * rows for value, rows in counts.items())
    bounds, bins = edges(column), Counter[int]()
    for value, rows in counts.items():
        bins[bisect_left(bounds, value)] += rows
    histogram = tuple(bins[place] for place in range(len(bounds) + 1))
    return Numbers(count, low, high, *moments.rounded(mean, squares, low, high), bounds, histogram)
