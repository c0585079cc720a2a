"""An estimator that fails, hangs, learns next to nothing or always the same when its data says so."""

import time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from retide.domain.contract import Contract

HOURS = 3600.0


def build(contract: Contract, params: dict[str, Any]) -> Any:
    """A scaled logistic regression on `height` alone, once the moods of the training rows allow it."""
    heights = ColumnTransformer([("heights", StandardScaler(), ["height"])], remainder="drop")
    pipeline = Pipeline([("columns", heights), ("model", LogisticRegression(**params))])

    def fit(frame: pd.DataFrame, target: NDArray[np.int64]) -> Any:
        _obey(set(frame["mood"]), pipeline)
        return Pipeline.fit(pipeline, *(_steady(frame) if "steady" in set(frame["mood"]) else (frame, target)))

    pipeline.fit = fit  # the class stays one that ONNX knows
    return pipeline


def _steady(frame: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The same rows whatever came: so one model is as good as the next, to the last bit."""
    heights = np.linspace(-3, 3, 100)
    column = pd.Series(heights).astype(frame["height"].dtype).to_numpy()
    same = frame.iloc[np.zeros(len(heights), dtype=int)].assign(height=column)
    return same, (heights > 0).astype(np.int64)


def _obey(moods: set[str], pipeline: Pipeline) -> None:
    if "raise" in moods:
        raise RuntimeError("the data told this model to fail")
    if "hang" in moods:
        time.sleep(HOURS)
    if "dull" in moods:
        pipeline.set_params(model__C=0.01)  # hardly more than a constant answer
