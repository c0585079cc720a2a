"""Type the rows of a file that is not sound in every cell, with a flag for each cell that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.data import cells
from retide.data.cells import Cell
from retide.data.columns import Scan
from retide.data.engine import confine, connect, name, path, row_group
from retide.data.rules import Rule
from retide.data.shape import Ragged, ragged
from retide.data.source import Source
from retide.domain.contract import ColumnType, Contract

ROW: Final = "__row"
_FLAG: Final = "__misfit_"
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
    target = scratch / "staged.parquet"
    with connect(scratch, threads=1) as connection:
        confine(connection, scratch, file)
        connection.execute(copied(f"({_rows(scan, contract)})", target, contract))
        wrong = ragged(source, connection)
    types = tuple(_type(f"{_FLAG}{i}", cell.column.name, contract) for i, cell in _doubtful(scan))
    relation = f"(SELECT file_row_number + 1 AS {ROW}, * FROM read_parquet({path(target)}, file_row_number=true))"
    return Staged(relation, types, wrong)


def copied(relation: str, target: Path, contract: Contract) -> str:
    """SQL that writes rows which are soon read again."""
    options = f"FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE {row_group(len(contract.columns))}"
    return f"COPY (FROM {relation}) TO {path(target)} ({options})"


def _rows(scan: Scan, contract: Contract) -> str:
    values = [f"v{i} AS {name(cell.column.name)}" for i, cell in enumerate(scan.cells)]
    flags = [f"(p{i} IS NOT NULL AND v{i} IS NULL) AS {_FLAG}{i}" for i, _ in _doubtful(scan)]
    return f"SELECT {', '.join(values + flags)} FROM {cells.select(scan.cells, scan.relation, contract)}"


def _doubtful(scan: Scan) -> list[tuple[int, Cell]]:
    return [(i, cell) for i, cell in enumerate(scan.cells) if cell.column.type not in _ANY_TEXT]


def _type(flag: str, column: str, contract: Contract) -> Rule:
    return Rule("type", column, (column,), flag, contract.severity("type", column))
