"""The features as a model gets them: float32 numbers with NaN, and texts with one word for a missing category."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retide.domain.contract import Column, ColumnType, Contract
from training.server.artefact import Columns
from training.server.manifest import MISSING, Feature, Label

__all__ = ["MISSING", "Columns", "columns", "features", "labels", "numbers", "ordered", "truth"]


def features(contract: Contract) -> tuple[Feature, ...]:
    return tuple(Feature(c.name, c.type.value, c.nullable, c.values) for c in contract.features)


def columns(table: pa.Table, contract: Contract) -> Columns:
    """By feature: float32 (rows,), or texts (rows,) for categories."""
    return {column.name: _encode(table[column.name], column) for column in contract.features}


def _encode(values: pa.ChunkedArray, column: Column) -> NDArray[Any]:
    if column.type is ColumnType.CATEGORY:
        return np.asarray(values.fill_null(MISSING).to_numpy(), dtype=object)
    return numbers(values).astype(np.float32)


def numbers(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """float64 (rows,), NaN for null."""
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def labels(table: pa.Table, contract: Contract) -> tuple[Label, ...]:
    """The labels present in a table, ordered."""
    return ordered(set(table[contract.target].unique().to_pylist()), contract)


def ordered(found: set[Label], contract: Contract) -> tuple[Label, ...]:
    """In the contract's order for a category with `values`, else sorted; unlisted ones last."""
    listed = contract.column(contract.target).values
    return tuple(sorted(found, key=lambda label: (listed.index(label) if label in listed else len(listed), label)))


def truth(table: pa.Table, contract: Contract, classes: tuple[Label, ...]) -> NDArray[np.int64]:
    """The position of each row's label in `classes`, int64 (rows,); -1 for a label that is not among them."""
    positions = {label: position for position, label in enumerate(classes)}
    return np.array([positions.get(label, -1) for label in table[contract.target].to_pylist()], dtype=np.int64)
