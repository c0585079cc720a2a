"""An estimator that fails, hangs or learns nonsense when its data says so."""

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
        return Pipeline.fit(pipeline, frame, _as_the_mood_is(set(frame["mood"]), target))

    pipeline.fit = fit  # the class stays one that ONNX knows
    return pipeline


def _as_the_mood_is(moods: set[str], target: NDArray[np.int64]) -> NDArray[np.int64]:
    if "raise" in moods:
        raise RuntimeError("the data told this model to fail")
    if "hang" in moods:
        time.sleep(HOURS)
    return 1 - target if "dull" in moods else target
