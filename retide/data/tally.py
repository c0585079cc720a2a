"""Profile columns of few values by counting each of them: all that a profile says follows, and it is far cheaper."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from math import fsum
from typing import Final

import duckdb

from retide.data import cells, moments
from retide.data.engine import name
from retide.data.parquet import Footer
from retide.data.statistics import counted, few
from retide.domain.contract import NUMERIC, Column, ColumnType, Contract
from retide.domain.profile import ColumnProfile, Numbers, edges, keep

_LEAST: Final = 2**16  # rows; of fewer, it is as fast to aggregate all columns as to plan so many queries
MOST: Final = 4_096  # values; of more, the aggregate of all columns is as fast

type Counts = Mapping[float | str | None, int]


def promising(footer: Footer, contract: Contract) -> list[Column]:
    """The columns whose values are few by the footer of a Parquet file, if counting them is worth it.

    Nothing but time depends on that being true.
    """
    if footer.rows < _LEAST:
        return []
    return [column for column in contract.columns if column.name in footer.few and _suits(column, contract)]


def _suits(column: Column, contract: Contract) -> bool:
    """Of ids and of what is sensitive nothing is counted; of what is grouped by value anyway, nothing twice."""
    if column.pii or column.name in contract.id:
        return False
    return (
        few(column) if column.type is ColumnType.CATEGORY else column.type in NUMERIC and not counted(column, contract)
    )


def tallied(relation: str, columns: Sequence[Column], connection: duckdb.DuckDBPyConnection) -> dict[str, Counts]:
    """How often each value of these columns of the relation, which is SQL, occurs, NULL too; without those of more
    than MOST values.
    """
    each = ", ".join(
        f"(SELECT list((v, n)) FROM (SELECT {name(column.name)} AS v, count(*) AS n FROM {relation} "
        f"GROUP BY 1 LIMIT {MOST + 1}))"
        for column in columns
    )
    (found,) = connection.execute(f"SELECT {each}").fetchall()
    counts = {column.name: dict(pairs or ()) for column, pairs in zip(columns, found, strict=True)}
    return {column: values for column, values in counts.items() if len(values) <= MOST}


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
