"""Several things are asked of DuckDB at once, and it is opened and closed beside other work; errors come out."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Barrier

import duckdb
import pytest

from retide.data.engine import Database, connect, processors
from retide.data.together import together

type Ask = Callable[[duckdb.DuckDBPyConnection], int]


def number(which: int, connection: duckdb.DuckDBPyConnection) -> int:
    ((found,),) = connection.execute(f"SELECT {which}").fetchall()
    return int(found)


def test_answers_come_in_the_order_of_what_was_asked(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        assert together([partial(number, which) for which in range(20)], connection) == list(range(20))


def test_as_many_run_at_once_as_there_are_processors(tmp_path: Path) -> None:
    met = Barrier(processors(), timeout=10)

    def meet(_: duckdb.DuckDBPyConnection) -> int:
        return met.wait()

    with connect(tmp_path) as connection:
        assert sorted(together([meet] * processors(), connection)) == list(range(processors()))


def test_an_error_of_one_is_raised_and_the_rest_is_not_begun(tmp_path: Path) -> None:
    begun = list[int]()

    def fail(_: duckdb.DuckDBPyConnection) -> int:
        raise duckdb.InvalidInputException("as one does")

    def begin(which: int, connection: duckdb.DuckDBPyConnection) -> int:
        begun.append(which)
        return number(which, connection)

    asked: list[Ask] = [fail, *(partial(begin, which) for which in range(1_000))]
    with connect(tmp_path) as connection, pytest.raises(duckdb.InvalidInputException, match="as one does"):
        together(asked, connection)
    assert len(begun) < 1_000


@pytest.mark.skipif(processors() < 2, reason="one processor is asked one thing at a time")
def test_what_runs_beside_an_error_is_interrupted(tmp_path: Path) -> None:
    running = Barrier(2, timeout=10)

    def fail(_: duckdb.DuckDBPyConnection) -> int:
        running.wait()
        raise duckdb.InvalidInputException("as one does")

    def count(connection: duckdb.DuckDBPyConnection) -> int:
        running.wait()
        with pytest.raises(duckdb.InterruptException):
            connection.execute("SELECT sum(hash(a.i, b.i)) FROM range(10000000) a(i), range(10000) b(i)").fetchall()
        stopped.append(True)
        return 0

    stopped = list[bool]()
    with connect(tmp_path, threads=1) as connection, pytest.raises(duckdb.InvalidInputException, match="as one does"):
        together([fail, count], connection)
    assert stopped


def test_a_database_that_does_not_open_is_the_machines_fault(tmp_path: Path) -> None:
    with Database(tmp_path, threads=-1) as database, pytest.raises(OSError, match="DuckDB does not open"):
        database.connection()


def test_a_database_is_closed_also_when_its_user_fails(tmp_path: Path) -> None:
    with suppress(ValueError), Database(tmp_path) as database:
        connection = database.connection()
        raise ValueError("on the way")
    with pytest.raises(duckdb.ConnectionException, match="closed"):
        connection.execute("SELECT 1")
