"""Type the rows of a file that is not sound in every cell, with a flag for each cell that does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Final

import duckdb

from retide.data import cells
from retide.data.cells import Cell
from retide.data.columns import Scan
from retide.data.dialect import CsvSource
from retide.data.engine import confine, connect, name, path, row_group
from retide.data.rules import Rule
from retide.data.shape import Ragged, ragged
from retide.data.source import Source
from retide.domain.contract import ColumnType, Contract

ROW: Final = "__row"
_FLAG: Final = "__misfit_"
_GROUP: Final = 500  # columns that are typed at once: each takes half a megabyte while its rows are on their way
_ANY_TEXT: Final = frozenset({ColumnType.CATEGORY, ColumnType.STRING})


@dataclass(frozen=True, slots=True)
class Staged:
    """`relation` is SQL for typed rows (NULL where a cell does not fit), their number as `__row` and their flags.

    `__row` counts the rows that have a shape, from 1; `ragged` has the others. `types` is the rule `type` of each
    column that may have misfits.
    """

    relation: str
    types: tuple[Rule, ...]
    ragged: Ragged


def stage(file: Path, source: Source, scan: Scan, contract: Contract, scratch: Path) -> Staged:
    """One pass over the file, whatever is in it; what is staged is read many times and fast.

    With one thread: with more of them DuckDB was seen to write the rows of a text in another order than they had.
    """
    with connect(scratch, threads=1) as connection:
        confine(connection, scratch, file)
        files = _copy(source, scan, contract, scratch, connection)
        wrong = ragged(source, connection)
    types = tuple(_type(f"{_FLAG}{i}", cell.column.name, contract) for i, cell in _doubtful(scan.cells))
    first, *others = files
    numbered = f"(SELECT file_row_number + 1 AS {ROW}, * FROM read_parquet({path(first)}, file_row_number=true))"
    joined = " POSITIONAL JOIN ".join([numbered, *(f"read_parquet({path(other)})" for other in others)])
    return Staged(f"(FROM {joined})" if others else numbered, types, wrong)


def _copy(
    source: Source, scan: Scan, contract: Contract, scratch: Path, connection: duckdb.DuckDBPyConnection
) -> list[Path]:
    """Files of the same rows, each with a group of the columns. A text of several groups is parsed once, as it is."""
    relation, groups = scan.relation, list(batched(scan.cells, _GROUP))
    if isinstance(source, CsvSource) and len(groups) > 1:
        text = scratch / "text.parquet"
        connection.execute(copied(relation, text, contract))
        relation = f"read_parquet({path(text)})"
    files = [scratch / f"staged{i}.parquet" for i in range(len(groups))]
    for i, (group, target) in enumerate(zip(groups, files, strict=True)):
        connection.execute(copied(f"({_rows(group, i * _GROUP, relation, contract)})", target, contract))
    return files


def copied(relation: str, target: Path, contract: Contract) -> str:
    """SQL that writes rows which are soon read again."""
    options = f"FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE {row_group(len(contract.columns))}"
    return f"COPY (FROM {relation}) TO {path(target)} ({options})"


def _rows(group: tuple[Cell, ...], start: int, relation: str, contract: Contract) -> str:
    """`start` is the place of the first of these cells among all."""
    values = [f"v{i} AS {name(cell.column.name)}" for i, cell in enumerate(group)]
    flags = [f"(p{i} IS NOT NULL AND v{i} IS NULL) AS {_FLAG}{start + i}" for i, _ in _doubtful(group)]
    return f"SELECT {', '.join(values + flags)} FROM {cells.select(group, relation, contract)}"


def _doubtful(found: Sequence[Cell]) -> Iterator[tuple[int, Cell]]:
    return ((i, cell) for i, cell in enumerate(found) if cell.column.type not in _ANY_TEXT)


def _type(flag: str, column: str, contract: Contract) -> Rule:
    return Rule("type", column, (column,), flag, contract.severity("type", column))
