"""A file of data laid open for questions, read by the gate's own reader: all text, or as Parquet types it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from retide.data import parquet
from retide.data.cells import NUMBER
from retide.data.columns import scan
from retide.data.dialect import CsvSource
from retide.data.engine import confine, connect, path, text
from retide.data.engine import name as name_of
from retide.data.source import identify
from retide.domain.contract import COLUMN_NAME
from retide.inference import dress
from retide.inference.dress import Dress
from retide.inference.errors import CannotInfer

ROW: Final = "__row"
_HELD: Final = 5_000_000  # cells that are kept in memory: a statement about them is planned faster
_AT_ONCE: Final = 4  # columns in one statement: planning time grows far faster than their number


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the file: `sql` is what holds it in `rows`, `physical` DuckDB's name of its type there."""

    name: str
    sql: str
    physical: str

    @property
    def is_text(self) -> bool:
        return self.physical == "VARCHAR"


@dataclass(frozen=True, slots=True)
class Table:
    """`fields` are the columns that a contract can name; `left_out` are the others, each with why."""

    connection: duckdb.DuckDBPyConnection
    dress: Dress
    fields: tuple[Field, ...]
    rows: int
    left_out: tuple[str, ...]

    @property
    def is_parquet(self) -> bool:
        return isinstance(self.dress.source, parquet.ParquetSource)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def row(self, query: str) -> tuple[Any, ...]:
        return self.ask(query)[0]

    def each(
        self, fields: Sequence[Field], answers: Sequence[str], cells: Sequence[str]
    ) -> Iterator[tuple[Field, tuple[Any, ...]]]:
        """For each field its `answers`: SQL aggregates of its `cells`, which are SQL too; {} stands for the field."""
        for start in range(0, len(fields), _AT_ONCE):
            some = fields[start : start + _AT_ONCE]
            inner = ", ".join(cell.replace("{}", field.sql) for field in some for cell in cells)
            asked = ", ".join(answer.replace("{}", field.sql) for field in some for answer in answers)
            found = self.row(f"SELECT {asked} FROM (SELECT {inner} FROM rows)")
            for place, field in enumerate(some):
                yield field, found[place * len(answers) : (place + 1) * len(answers)]


@contextmanager
def opened(file: Path, target: str, columns: tuple[str, ...]) -> Iterator[Table]:
    """Raises CannotInfer and Refused for a file that is no table."""
    with TemporaryDirectory(prefix="retide-") as folder, connect(Path(folder)) as connection:
        scratch = Path(folder)
        confine(connection, scratch, file)
        found = dress.find(file, scratch / "dress", target, columns)
        if isinstance(found.source, parquet.ParquetSource):
            yield _of_parquet(found, found.source, connection)
        else:
            yield _of_text(found, file, scratch, connection)


def _of_text(found: Dress, file: Path, scratch: Path, connection: duckdb.DuckDBPyConnection) -> Table:
    """All cells go to disk once, as text, since each is asked about several times."""
    names, left_out = _usable(found.names)
    contract = dress.provisional(names if not _is_headerless(found) else found.names, found.format)
    inner = scratch / "rows"
    inner.mkdir()
    rows = scan(identify(file, inner, contract), contract, connection)
    cells = {cell.column.name: cell.source for cell in rows.cells}
    fields = tuple(Field(name, f"f{place}", "VARCHAR") for place, name in enumerate(names))
    listed = ", ".join(f"trim(CAST({cells[field.name]} AS VARCHAR)) AS {field.sql}" for field in fields)
    kept = scratch / "rows.parquet"
    connection.execute(f"COPY (SELECT {NUMBER} AS {ROW}, {listed} FROM {rows.relation}) TO {path(kept)}")
    return _table(connection, f"read_parquet({path(kept)})", found, fields, left_out)


def _is_headerless(found: Dress) -> bool:
    return isinstance(found.source, CsvSource) and found.format.header == "no"


def _of_parquet(found: Dress, source: parquet.ParquetSource, connection: duckdb.DuckDBPyConnection) -> Table:
    parquet.check_size(source, connection)
    there = parquet.columns(source, connection)
    names, left_out = _usable(tuple(name for name, _, _ in there))
    fields, selected = [], []
    for place, (name, inside, kind) in enumerate(there):
        if name not in names:
            continue
        if _is_nested(kind):
            left_out.append(f"{name}: Parquet type {kind} is no cell of a table")
            continue
        quoted_name = name_of(inside)
        is_text = kind == "VARCHAR" or kind.startswith("ENUM")
        selected.append(f"{f'trim(CAST({quoted_name} AS VARCHAR))' if is_text else quoted_name} AS f{place}")
        fields.append(Field(name, f"f{place}", "VARCHAR" if is_text else kind))
    if not fields:
        raise CannotInfer("no column of it could stand in a contract")
    relation = f"(SELECT {NUMBER} AS {ROW}, {', '.join(selected)} FROM {parquet.relation(source)})"
    return _table(connection, relation, found, tuple(fields), left_out)


def _is_nested(kind: str) -> bool:
    known = r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BOOLEAN|DATE|TIMESTAMP.*|VARCHAR|ENUM.*)"
    return not re.fullmatch(known, kind)


def _table(
    connection: duckdb.DuckDBPyConnection, relation: str, found: Dress, fields: tuple[Field, ...], left_out: list[str]
) -> Table:
    rows = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]
    kind = "TABLE" if rows * len(fields) <= _HELD else "VIEW"
    connection.execute(f"CREATE TEMP {kind} rows AS SELECT * FROM {relation}")
    if not rows:
        raise CannotInfer("it has a header and no rows: there is nothing to learn a contract from")
    return Table(connection, found, fields, rows, tuple(left_out))


def _usable(names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The names that a contract can take, and why it cannot take the others; raises CannotInfer for repeated ones."""
    usable, left_out = list[str](), list[str]()
    for place, name in enumerate(names, 1):
        if name and names.count(name) > 1:
            again = ", ".join(str(i) for i, other in enumerate(names, 1) if other == name)
            raise CannotInfer(f"several columns are called {name!r} (columns {again}): rename all but one")
        if not name:
            left_out.append(f"column {place} has no name; often that is a data frame's index")
        elif not re.search(COLUMN_NAME, name) or not name.isprintable():
            left_out.append(f"{name!r} is no name that a contract takes; rename it if it matters")
        else:
            usable.append(name)
    if not usable:
        raise CannotInfer("none of its columns has a name")
    return usable, left_out


def quoted(values: Sequence[str]) -> str:
    return ", ".join(text(value) for value in values)
