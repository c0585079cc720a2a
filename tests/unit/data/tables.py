"""One small contract and files for it: what the tests of reading share."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from retide.domain.contract import Contract, parse
from tests.unit.churn import CHURN

HEADER = ("customer", "seen_at", "plan", "months", "spend", "left")

type Row = Sequence[object]


def contract(others: Mapping[str, Any] | None = None, **changes: Mapping[str, Any]) -> Contract:
    """The contract with settings of columns changed, such as `plan={"values": []}`, and others replaced."""
    columns = {name: {**column, **changes.get(name, {})} for name, column in CHURN["columns"].items()}
    return parse({**CHURN, **(others or {}), "columns": columns}, "churn")


def rows(count: int = 20) -> list[list[object]]:
    return [
        [
            f"C{i:05d}",
            f"2026-01-{i % 28 + 1:02d}T12:00:00Z",
            ("basic", "pro")[i % 2],
            i % 600,
            f"{i * 1.5:.2f}",
            i % 3 == 0,
        ]
        for i in range(count)
    ]


def changed(row: int, column: str, value: object, count: int = 20) -> list[list[object]]:
    """Good rows but for one cell; `row` counts from 1."""
    table = rows(count)
    table[row - 1][HEADER.index(column)] = value
    return table


def csv_text(table: Sequence[Row], header: Sequence[str] = HEADER, delimiter: str = ",", newline: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows([header, *table])
    return text.getvalue()


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(path: Path, query: str, *options: str) -> Path:
    return _copied(path, query, "FORMAT parquet", *options)


def csv_file(path: Path, query: str) -> Path:
    return _copied(path, query, "FORMAT csv")


def _copied(path: Path, query: str, *options: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' ({', '.join(options)})")
    return path


def read(path: Path, query: str = "SELECT * FROM data") -> list[tuple[Any, ...]]:
    with duckdb.connect(config={"threads": "1"}) as connection:
        return connection.execute(query.replace("FROM data", f"FROM read_parquet('{path}')")).fetchall()
