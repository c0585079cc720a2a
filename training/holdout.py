"""The holdout as both models are judged on it: one table, one truth, one list of classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retide.domain.contract import Column, ColumnType, Contract, Task
from training import features
from training.metrics import Array, Cutoff, Truth
from training.reading import BATCH
from training.server.artefact import Artefact, Columns
from training.server.capture import MASK
from training.server.manifest import Label


@dataclass(frozen=True, slots=True)
class Segment:
    """A group of holdout rows, named `column=value`."""

    name: str
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Holdout:
    table: pa.Table
    columns: Columns
    truth: Truth
    classes: tuple[Label, ...]

    @classmethod
    def of(cls, table: pa.Table, contract: Contract, known: tuple[Label, ...]) -> Holdout:
        """`known`: the classes of the models; a label that only the holdout holds is a class that nobody foresees."""
        if contract.task is Task.REGRESSION:
            return cls(table, features.columns(table, contract), features.numbers(table[contract.target]), ())
        classes = known + tuple(label for label in features.labels(table, contract) if label not in known)
        truth = features.truth(table, contract, classes)
        return cls(table, features.columns(table, contract), truth, classes)

    def scores(self, artefact: Artefact) -> Array:
        """(rows, classes): a class that the model does not know has probability 0. Of values (rows, 1), or (rows, 3)
        with the ends of their intervals.
        """
        raw = np.concatenate([artefact.predict(some) for some in self.batches()])
        if not self.classes:
            return _within(raw, artefact.manifest.interval or {})
        scores = np.zeros((len(raw), len(self.classes)))
        scores[:, [self.classes.index(label) for label in artefact.manifest.classes]] = raw
        return scores

    def batches(self, most: int = BATCH) -> Iterator[Columns]:
        """The rows as a model sees them, so many at a time: what it makes of them need not fit into memory."""
        for start in range(0, len(self.truth), most):
            yield {name: values[start : start + most] for name, values in self.columns.items()}

    def cutoff(self, artefact: Artefact) -> Cutoff | None:
        """The threshold that the model says labels by, in the holdout's classes."""
        if artefact.threshold is None:
            return None
        first, second = (self.classes.index(label) for label in artefact.manifest.classes)
        return Cutoff(artefact.threshold, first, second)

    def taken(self, rows: NDArray[np.int64]) -> Holdout:
        """These rows alone."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, table=self.table.take(pa.array(rows)), columns=columns, truth=self.truth[rows])

    def shuffled(self, feature: str, order: NDArray[np.int64]) -> Holdout:
        """The same rows as a model sees them, with one feature's values in another order."""
        return replace(self, columns={**self.columns, feature: self.columns[feature][order]})

    def segments(self, contract: Contract) -> Iterator[Segment]:
        """Every value of every segment column that at least `metric.segment_rows` rows share."""
        for name in contract.segments:
            texts = np.array([_text(value) for value in self.table[name].to_pylist()], dtype=object)
            values, group, sizes = np.unique(texts, return_inverse=True, return_counts=True)
            for position in np.flatnonzero(sizes >= contract.metric.segment_rows):
                yield Segment(f"{name}={values[position]}", group == position)

    def records(self, contract: Contract, count: int) -> list[dict[str, Any]]:
        """At most `count` rows, spread evenly over the holdout, as requests; nobody's own values of pii columns."""
        names = [column.name for column in contract.features]
        picked = np.unique(np.linspace(0, self.table.num_rows - 1, count).round().astype(int))
        hidden = {column.name: _anybodys(column) for column in contract.features if column.pii}
        rows: list[dict[str, Any]] = self.table.select(names).take(pa.array(picked)).to_pylist()
        return [row | hidden for row in rows]


def _within(values: Array, interval: Mapping[str, Any]) -> Array:
    if "low" not in interval:
        return values
    return np.column_stack([values, values + interval["low"], values + interval["high"]])


def _anybodys(column: Column) -> float | str | None:
    """A value that the contract allows and that says nothing of a person: missing, if it may be."""
    if column.nullable:
        return None
    if column.type is ColumnType.CATEGORY:
        return column.values[0] if column.values else MASK
    if column.type is ColumnType.BOOLEAN:
        return False
    low, high = column.minimum, column.maximum
    above = 0.0 if low is None else max(0.0, low)
    nearest = above if high is None else min(above, high)
    return math.ceil(nearest) if column.type is ColumnType.INTEGER else nearest


def _text(value: object) -> str:
    if value is None:
        return "missing"
    return str(value).lower() if isinstance(value, bool) else str(value)
