"""Open DuckDB with bounded memory, one thread and no way out: it reads the files it is given and installs nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import duckdb

DEFAULT_MEMORY_MIB: Final = 1024
_FUNCTION_MEMORY: Final = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"


def connect(scratch: Path) -> duckdb.DuckDBPyConnection:
    """`scratch` takes what does not fit in memory. One thread, so that the same rows give the same bytes and sums."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": f"{memory_mib()}MiB",
            "temp_directory": str(scratch / "spill"),
            "threads": "1",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def memory_mib() -> int:
    """Half of what a Lambda function has: the rest is Python's, and for what DuckDB does not count."""
    return int(os.environ.get(_FUNCTION_MEMORY, 2 * DEFAULT_MEMORY_MIB)) // 2


def name(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: object) -> str:
    """An SQL text literal, quoted."""
    return "'" + str(value).replace("'", "''") + "'"


def texts(values: tuple[str, ...]) -> str:
    return ", ".join(text(value) for value in values)
