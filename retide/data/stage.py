"""Type the rows of a file that is not sound in every cell, with a flag for each cell that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from retide.data import cells
from retide.data.columns import Scan
from retide.data.engine import name, path
from retide.data.rules import Rule
from retide.domain.contract import ColumnType, Contract

ROW: Final = "__row"
_FLAG: Final = "__misfit_"
_ANY_TEXT: Final = frozenset({ColumnType.CATEGORY, ColumnType.STRING})


@dataclass(frozen=True, slots=True)
class Staged:
    """`relation` is SQL for typed rows (NULL where a cell does not fit), their number as `__row` and their flags.

    `__row` counts the rows that have a shape, from 1. `types` is the rule `type` of each column that may have misfits.
    """

    relation: str
    types: tuple[Rule, ...]


def stage(scan: Scan, contract: Contract, connection: duckdb.DuckDBPyConnection, target: Path) -> Staged:
    """One pass over the file, whatever is in it; what is staged is read many times and fast."""
    found = list(enumerate(scan.cells))
    values = [f"v{i} AS {name(cell.column.name)}" for i, cell in found]
    doubtful = [(i, cell) for i, cell in found if cell.column.type not in _ANY_TEXT]
    flags = [f"(p{i} IS NOT NULL AND v{i} IS NULL) AS {_FLAG}{i}" for i, _ in doubtful]
    rows = cells.select(scan.cells, scan.relation, contract)
    connection.execute(
        f"COPY (SELECT {', '.join(values + flags)} FROM {rows}) TO {path(target)} (FORMAT parquet, COMPRESSION lz4)"
    )
    types = tuple(_type(f"{_FLAG}{i}", cell.column.name, contract) for i, cell in doubtful)
    relation = f"(SELECT file_row_number + 1 AS {ROW}, * FROM read_parquet({path(target)}, file_row_number=true))"
    return Staged(relation, types)


def _type(flag: str, column: str, contract: Contract) -> Rule:
    return Rule("type", column, (column,), flag, contract.severity("type", column))
