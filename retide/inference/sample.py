"""Choose a few hundred rows of a file as a model's sample: every class and every part of a range, and no secrets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from retide.domain.contract import Contract, Task
from retide.domain.formats import DELIMITER_NAMES
from retide.inference.draft import Draft
from retide.inference.table import ROW, Field, Table

MOST: Final = 400  # rows
BYTES: Final = 55_000
MOST_BYTES: Final = 200_000  # for wide rows,
LEAST: Final = 60  # of which a sample has so many
PARTS: Final = 10  # of a number's range
OF_EACH: Final = 8  # rows of the rarest class
_LOOKED_AT: Final = 200_000  # rows


def sample_text(table: Table, found: Draft, rejected: frozenset[int]) -> str:
    """CSV with a header, of rows that the contract takes, in the file's order; the same for the same file."""
    contract = found.contract
    rows = _chosen(table, contract, MOST + len(rejected))
    rows = [row for row in rows if row not in rejected][:MOST]
    text = _csv(table, contract, sorted(rows))
    length = len(text.encode()) / max(1, len(rows))
    fitting = max(int(BYTES / length), min(LEAST, int(MOST_BYTES / length)))
    return text if fitting >= len(rows) else _csv(table, contract, sorted(rows[:fitting]))


def _chosen(table: Table, contract: Contract, most: int) -> list[int]:
    """Row numbers, in an order of which every beginning is spread over the target."""
    target = next(one for one in table.fields if one.name == contract.target)
    stratum = (
        target.sql if contract.task is Task.CLASSIFICATION else f"ntile({PARTS}) OVER (ORDER BY {_number(target)})"
    )
    step = max(1, table.rows // _LOOKED_AT)
    there = f"SELECT {ROW}, {target.sql} FROM rows WHERE {target.sql} IS NOT NULL AND {ROW} % {step} = 0"
    parts = f"SELECT {ROW}, {stratum} AS part FROM ({there})"
    ranked = (
        f"SELECT {ROW}, row_number() OVER (PARTITION BY part ORDER BY md5(CAST({ROW} AS VARCHAR))) AS place, "
        f"count(*) OVER (PARTITION BY part) AS size FROM ({parts})"
    )
    order = f"least(place / size, CASE WHEN place <= {OF_EACH} THEN 0.1 * place / {OF_EACH} ELSE 1 END), {ROW}"
    return [row for (row,) in table.ask(f"SELECT {ROW} FROM ({ranked}) ORDER BY {order} LIMIT {most}")]


def _number(target: Field) -> str:
    return f"TRY_CAST(replace({target.sql}, ',', '.') AS DOUBLE)" if target.is_text else target.sql


def _csv(table: Table, contract: Contract, rows: Sequence[int]) -> str:
    """What is sensitive is masked: a person's values have no place in a repository."""
    names = {column.name for column in contract.columns}
    fields = [one for one in table.fields if one.name in names]
    wanted = ", ".join(map(str, rows))
    listed = ", ".join(_cell(one) for one in fields)
    cells = table.ask(f"SELECT {listed} FROM rows WHERE {ROW} IN ({wanted}) ORDER BY {ROW}")
    text = io.StringIO(newline="")
    sign = contract.format.delimiter or ","
    writer = csv.writer(text, delimiter=DELIMITER_NAMES.get(sign, sign), lineterminator="\n")
    writer.writerow([one.name for one in fields])
    masks = [_Mask() if contract.column(one.name).pii else None for one in fields]
    for row in cells:
        writer.writerow([mask.of(cell) if mask else cell for cell, mask in zip(row, masks, strict=True)])
    return text.getvalue()


def _cell(one: Field) -> str:
    """As text that the contract reads back."""
    if one.physical.startswith("TIMESTAMP WITH"):
        return f"strftime({one.sql}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return one.sql if one.is_text else f"CAST({one.sql} AS VARCHAR)"


class _Mask:
    """Another text for each value: the same for the same one, so that rows stay apart where they were."""

    def __init__(self) -> None:
        self._seen: dict[Any, str] = {}

    def of(self, cell: Any) -> str | None:
        if cell is None or cell == "":
            return None
        return self._seen.setdefault(cell, f"hidden-{len(self._seen) + 1}")
