"""Give up on a file that takes far longer than files of its size do: nothing that is sent keeps a judge for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Event, Thread
from typing import Final

import duckdb

LEAST_SECONDS: Final = 150.0
BYTES_PER_SECOND: Final = 8 * 2**20  # a file of a function's bound, 1 GiB, is given up before the function is, at 300 s
AGAIN_SECONDS: Final = 0.02


class Patience:
    """Interrupts whatever its connections do once the seconds are over that were allowed, counted from `allow` on."""

    def __init__(self) -> None:
        self.seconds = LEAST_SECONDS
        self.over = False
        self._connections = list[duckdb.DuckDBPyConnection]()
        self._done = Event()
        self._thread = Thread(target=self._run, name="patience", daemon=True)

    def watch(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connections.append(connection)

    def allow(self, seconds: float) -> None:
        """Once; from then on time runs."""
        self.seconds = seconds
        self._thread.start()

    def end(self) -> None:
        """No connection is touched any more."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        left = self.seconds
        while not self._done.wait(left):
            self.over, left = True, AGAIN_SECONDS
            interrupt(list(self._connections))


def interrupt(connections: Iterable[duckdb.DuckDBPyConnection]) -> None:
    """Whatever they do now: to be asked again after AGAIN_SECONDS, for between two statements it is lost."""
    for connection in connections:
        with suppress(duckdb.Error):  # it may be closed by now
            connection.interrupt()


_PATIENCE: Final = ContextVar[Patience | None]("patience", default=None)


@contextmanager
def patience() -> Iterator[Patience]:
    """All connections that are opened within it are watched."""
    found = Patience()
    token = _PATIENCE.set(found)
    try:
        yield found
    finally:
        found.end()
        _PATIENCE.reset(token)


def watched(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    if found := _PATIENCE.get():
        found.watch(connection)
    return connection


def seconds_for(size: int) -> float:
    """What a text of so many bytes may take."""
    return LEAST_SECONDS + size / BYTES_PER_SECOND
