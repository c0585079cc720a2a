"""Rows that keep a contract, made from nothing but the contract, with a target that the features do foretell."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retide.domain.contract import Column, ColumnType, Contract, Task, parse

BUCKETS: Final = 10_000


def contract(
    target: dict[str, Any], task: str = "classification", metric: str | dict[str, Any] = "log_loss", **more: Any
) -> Contract:
    """A contract with a feature of every type; `more` replaces or adds top-level keys."""
    columns = {
        "id": {"type": "string"},
        "seen at": {"type": "timestamp"},
        "amount in €": {"type": "float", "nullable": True, "min": -5, "max": 5},
        "visits": {"type": "integer", "min": 0, "max": 40},
        "member": {"type": "boolean", "nullable": True},
        "region": {"type": "category", "values": ["north", "south", "west"], "nullable": True},
        "answer": target,
    }
    raw = {"task": task, "target": "answer", "id": ["id"], "event_time": "seen at", "segments": ["region"]}
    return parse(
        {**raw, "columns": columns, "metric": {"name": metric} if isinstance(metric, str) else metric, **more},
        "example",
    )


def table(contract: Contract, rows: int = 200, seed: int = 0, missing: float = 0.1) -> pa.Table:
    """`rows` rows with ids that no other seed uses; `missing` is the share of gaps in nullable columns."""
    generator = np.random.default_rng(seed)
    signal = generator.normal(size=rows)
    made = {column.name: _column(column, contract, generator, signal, seed, missing) for column in contract.columns}
    buckets = pa.array(generator.integers(0, BUCKETS, rows), pa.uint16())
    return pa.table({**made, "__bucket": buckets})


def _column(
    column: Column,
    contract: Contract,
    generator: np.random.Generator,
    signal: NDArray[np.float64],
    seed: int,
    gaps: float,
) -> pa.Array:
    rows = len(signal)
    if column.name in contract.id:
        return _ids(column, rows, seed)
    noise = 0.1 if column.name == contract.target else 0.5
    values = _values(column, contract, signal + noise * generator.normal(size=rows))
    share = gaps if column.nullable else 0.0
    return pa.array(values, mask=generator.random(rows) < share)


def _ids(column: Column, rows: int, seed: int) -> pa.Array:
    match column.type:
        case ColumnType.INTEGER:
            return pa.array(np.arange(rows) + seed * 1_000_000)
        case ColumnType.TIMESTAMP:
            return pa.array(np.datetime64(f"20{seed:02}-01-01", "us") + np.arange(rows).astype("timedelta64[m]"))
    return pa.array([f"{seed}-{row}" for row in range(rows)])


def _values(column: Column, contract: Contract, driver: NDArray[np.float64]) -> NDArray[Any]:
    """Every type grows with the driver, within the column's range."""
    unit = 1 / (1 + np.exp(-driver))
    low = 0.0 if column.minimum is None else column.minimum
    high = low + 10.0 if column.maximum is None else column.maximum
    if column.name == contract.target and contract.task is Task.CLASSIFICATION and column.type is ColumnType.INTEGER:
        return np.asarray(unit * 3, dtype=np.int64)
    match column.type:
        case ColumnType.INTEGER:
            return np.asarray(np.round(low + unit * (high - low)), dtype=np.int64)
        case ColumnType.FLOAT:
            return np.asarray(low + unit * (high - low))
        case ColumnType.BOOLEAN:
            return np.asarray(unit > 0.5)
        case ColumnType.TIMESTAMP:
            return np.asarray(np.datetime64("2026-01-01", "us") + np.arange(len(driver)).astype("timedelta64[h]"))
    names = column.values or ("a", "b", "c")
    return np.asarray(np.array(names, dtype=object)[(unit * len(names)).astype(int)])
