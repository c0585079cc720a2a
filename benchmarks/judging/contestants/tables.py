"""How contestants of one family read a table whose types are known."""

from __future__ import annotations

from typing import Final

from benchmarks.judging.contestant import Task

SQL_TYPES: Final = {
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "category": "VARCHAR",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
}


def duckdb_relation(task: Task) -> str:
    if not task.is_csv:
        return f"read_parquet('{task.path}')"
    columns = ", ".join(f"'{field.name}': '{SQL_TYPES[field.kind]}'" for field in task.rules.fields)
    return f"read_csv('{task.path}', auto_detect=false, header=true, delim=',', quote='\"', columns={{{columns}}})"
