"""Ask DuckDB several things at once: what one of them leaves idle, another uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import duckdb

from retide.data.engine import processors
from retide.data.patience import watched


def together[T](
    asked: Sequence[Callable[[duckdb.DuckDBPyConnection], T]], connection: duckdb.DuckDBPyConnection
) -> list[T]:
    """The answers in order, each from a cursor of its own, as many at a time as there are processors.

    The first error of any is raised; what has not begun by then is not asked any more.
    """
    pool = ThreadPoolExecutor(processors(), "asked")
    cursors = [watched(connection.cursor()) for _ in asked]
    try:
        begun = [pool.submit(_ask, one, cursor) for one, cursor in zip(asked, cursors, strict=True)]
        return [answer.result() for answer in begun]
    finally:
        pool.shutdown(cancel_futures=True)


def one_by_one[T](
    asked: Sequence[Callable[[duckdb.DuckDBPyConnection], T]], connection: duckdb.DuckDBPyConnection
) -> list[T]:
    """As `together`, with one cursor for all."""
    return [one(connection) for one in asked]


def _ask[T](one: Callable[[duckdb.DuckDBPyConnection], T], cursor: duckdb.DuckDBPyConnection) -> T:
    with cursor:
        return one(cursor)
