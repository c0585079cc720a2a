"""Ask DuckDB several things at once: what one of them leaves idle, another uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import duckdb

from retide.data.engine import processors
from retide.data.patience import AGAIN_SECONDS, interrupt, watched


def together[T](
    asked: Sequence[Callable[[duckdb.DuckDBPyConnection], T]], connection: duckdb.DuckDBPyConnection
) -> list[T]:
    """The answers in order, each from a cursor of its own, as many at a time as there are processors.

    The first error of any is raised; then what runs is interrupted, and what has not begun is not asked any more.
    """
    pool = ThreadPoolExecutor(processors(), "asked")
    cursors = [watched(connection.cursor()) for _ in asked]
    begun = [pool.submit(_ask, one, cursor) for one, cursor in zip(asked, cursors, strict=True)]
    try:
        return [answer.result() for answer in begun]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        _stop(begun, cursors)
        raise
    finally:
        pool.shutdown()


def _stop[T](begun: Sequence[Future[T]], cursors: Sequence[duckdb.DuckDBPyConnection]) -> None:
    running = [one for one in begun if not one.cancelled()]
    while wait(running, AGAIN_SECONDS).not_done:
        interrupt(cursors)


def one_by_one[T](
    asked: Sequence[Callable[[duckdb.DuckDBPyConnection], T]], connection: duckdb.DuckDBPyConnection
) -> list[T]:
    """As `together`, with one cursor for all."""
    return [one(connection) for one in asked]


def _ask[T](one: Callable[[duckdb.DuckDBPyConnection], T], cursor: duckdb.DuckDBPyConnection) -> T:
    with cursor:
        return one(cursor)
