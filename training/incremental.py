"""Learn piece by piece from data that no memory holds: encoders on a sample, the last step by `partial_fit` on all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from retide.domain.contract import ColumnType, Task
from training import data, features, fitting, sampling
from training.errors import JobError

FITTED: Final = 50_000  # rows that encoders are fitted on, beside those that hold rare categories


@dataclass(frozen=True, slots=True)
class Pieces:
    """The training part of a selection, of which at most one piece is in memory."""

    selection: data.Selection

    def sample(self) -> pa.Table:
        """Every n-th row of the training part, at most FITTED, and one of each value that these lack.

        So every category has its column and every label its class, however rare they are.
        """
        step = -(-self.selection.size(sampling.TRAINING) // FITTED)
        contract = self.selection.contract
        named = [column.name for column in contract.features if column.type is ColumnType.CATEGORY]
        if contract.task is Task.CLASSIFICATION:
            named.append(contract.target)
        seen: dict[str, set[object]] = {name: set() for name in named}
        tables, start = [], 0
        for table in self.selection.batches(sampling.TRAINING):
            kept = (np.arange(start, start + table.num_rows) % step) == 0
            start += table.num_rows
            for name, known in seen.items():
                kept[_firsts(table[name], known)] = True
            tables.append(table.filter(pa.array(kept)))
        return pa.concat_tables(tables)

    def fit(self, estimator: Any, frame: pd.DataFrame, target: fitting.Target, classes: Sequence[Any]) -> Any:
        """Fit all steps but the last on the sample, and the last on every piece, as often as the contract says."""
        encoders, last = _steps(estimator)
        if not callable(getattr(last, "partial_fit", None)):
            raise JobError(
                f"training.incremental is true, and {type(last).__name__}, the last step of the estimator, has no "
                "partial_fit(): choose one that learns piece by piece, such as SGDClassifier or MLPRegressor."
            )
        encoded: Any = frame
        for encoder in encoders:
            encoded = encoder.fit(encoded, target).transform(encoded)
        extra = {"classes": np.arange(len(classes))} if classes else {}
        for _ in range(self.selection.contract.training.epochs):
            for piece, truth in self._pieces(tuple(classes)):
                for encoder in encoders:
                    piece = encoder.transform(piece)  # noqa: PLW2901 - one step after another
                last.partial_fit(piece, truth, **extra)
        return estimator

    def _pieces(self, classes: tuple[Any, ...]) -> Iterator[tuple[Any, fitting.Target]]:
        contract = self.selection.contract
        for table in self.selection.batches(sampling.TRAINING):
            frame = pd.DataFrame(dict(features.columns(table, contract)))
            if contract.task is Task.REGRESSION:
                yield frame, features.numbers(table[contract.target])
            else:
                yield frame, features.truth(table, contract, classes)


def _firsts(values: pa.ChunkedArray, known: set[object]) -> NDArray[np.int64]:
    """The places at which a value stands for the first time; `known` learns them."""
    new = [value for value in values.unique().to_pylist() if value not in known]
    known.update(new)
    return np.array([_first(values, value) for value in new], dtype=np.int64)


def _first(values: pa.ChunkedArray, value: object) -> int:
    place: int = (values.is_null().index(True) if value is None else values.index(value)).as_py()
    return place


def _steps(estimator: Any) -> tuple[list[Any], Any]:
    """The steps of pipelines within pipelines, and the last of all."""
    if not isinstance(estimator, Pipeline):
        return [], estimator
    encoders, last = _steps(estimator.steps[-1][1])
    return [*(step for _, step in estimator.steps[:-1] if step not in (None, "passthrough")), *encoders], last
