"""Open DuckDB with bounded memory and no way out: it reads the files it is given and installs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Final, Self

import duckdb

from retide.data.patience import watched

DEFAULT_MEMORY_MIB: Final = 1024
_FUNCTION_MEMORY: Final = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"


class Database:
    """DuckDB on threads of its own while it is opened and closed, so that other work goes on meanwhile."""

    def __init__(self, scratch: Path, threads: int | None = None) -> None:
        self._opened = beside(partial(copy_context().run, connect, scratch, threads))
        self._closed: Future[None] | None = None

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Once it is open. Raises OSError where it does not open: that is the machine's fault, never a file's."""
        try:
            return self._opened.result()
        except duckdb.Error as error:
            raise OSError(f"DuckDB does not open: {error}") from error

    def close(self) -> Future[None]:
        """Begin to, once: nothing more is asked of the connection."""
        if self._closed is None:
            self._closed = beside(self._close)
        return self._closed

    def _close(self) -> None:
        if not self._opened.exception():
            self._opened.result().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close().result()


def beside[T](work: Callable[[], T]) -> Future[T]:
    """On a thread of its own, which begins at once: one that waits for work would first wait for the interpreter."""
    pool = ThreadPoolExecutor(1)
    begun = pool.submit(work)
    pool.shutdown(wait=False)
    return begun


def connect(scratch: Path, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """`scratch` takes what does not fit in memory. As many threads as there are processors, unless told.

    All files are on this machine, where reading ahead costs more memory and time than it saves.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "async_threads": "0",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": f"{memory_mib()}MiB",
            "temp_directory": str(scratch / "spill"),
            "threads": str(threads or processors()),
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET disable_parquet_prefetching = true")
    return watched(connection)


def confine(connection: duckdb.DuckDBPyConnection, scratch: Path, *files: Path) -> None:
    """From now on the connection reads these files and what is in `scratch`, writes there, and nothing can undo it.

    The statistics that a Parquet file brings are its sender's claim: believed, they would hide rows from the rules.
    """
    allowed = ", ".join(text(file.resolve()) for file in files)
    for statement in (
        "SET disabled_optimizers = 'statistics_propagation,filter_pushdown'",
        f"SET allowed_directories = [{text(f'{scratch.resolve()}/')}]",
        f"SET allowed_paths = [{allowed}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)


def row_group(columns: int) -> int:
    """Rows of a row group of so many columns: it is in memory as a whole when it is written and when it is read."""
    return max(2_048, 122_880 * 100 // max(100, columns))


def processors() -> int:
    """Those that this process may use, where the system can say; else those of the machine."""
    allowed = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def memory_mib() -> int:
    """Half of what a Lambda function has: the rest is Python's, and for what DuckDB does not count."""
    return int(os.environ.get(_FUNCTION_MEMORY, 2 * DEFAULT_MEMORY_MIB)) // 2


def name(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: object) -> str:
    """An SQL text literal, quoted."""
    return "'" + str(value).replace("'", "''") + "'"


def path(file: Path) -> str:
    """An SQL literal for a file of ours; one whose name is another's goes by `alias`."""
    return text(file.absolute())


def alias(file: Path, scratch: Path) -> Path:
    """Another name for a file, which no pattern is: DuckDB would take `*` and `[a]` in a name for others' names too."""
    link = scratch / "received"
    link.symlink_to(file.resolve())
    return link


def texts(values: tuple[str, ...]) -> str:
    return ", ".join(text(value) for value in values)
