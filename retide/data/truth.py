"""The truth about rows that were predicted before it was known: the target of accepted rows by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from retide.data.engine import connect, name, path
from retide.domain.captured import key
from retide.domain.contract import Contract


def truth_of(files: Iterable[Path], contract: Contract, scratch: Path) -> dict[str, Any]:
    """The target of each row by its id columns; of rows with the same id the last one counts, files being in order.

    `files` are rows as the judge accepts them, typed, in Parquet. Rows without a target say nothing.
    """
    return {found: value for file in files for found, value in _rows(file, contract, scratch)}


def _rows(file: Path, contract: Contract, scratch: Path) -> Iterator[tuple[str, Any]]:
    columns = ", ".join(map(name, (*contract.id, contract.target)))
    with connect(scratch, threads=1) as connection:
        rows = connection.execute(f"SELECT {columns} FROM read_parquet({path(file)})")
        while row := rows.fetchone():
            *ids, value = row
            found = key(dict(zip(contract.id, ids, strict=True)), contract.id)
            if found is not None and value is not None:
                yield found, value
