"""The choice among estimators: the best by cross-validation, and the simpler one where folds do not tell them apart."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from tests.training import generate
from training import fitting

CONTRACT: Final = generate.contract({"type": "float"}, "regression", "rmse")
FRAME: Final = pd.DataFrame({"x": np.linspace(0, 1, 90)})
NOISE: Final = np.random.default_rng(1).normal(size=90)
TARGET: Final = FRAME["x"].to_numpy() + NOISE


class Off(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Says x, and is off by as much in every row, or by a wave."""

    def __init__(self, by: float = 0.0, wave: float = 0.0) -> None:
        self.by, self.wave = by, wave

    def fit(self, _frame: pd.DataFrame, _target: Any) -> Off:
        return self

    def predict(self, frame: pd.DataFrame) -> Any:
        x = frame["x"].to_numpy()
        return x + self.by + self.wave * np.sin(40 * x)


@pytest.mark.parametrize(
    ("simple", "other", "chosen"),
    [
        (Off(), Off(), "simple"),
        (Off(wave=0.05), Off(), "simple"),
        (Off(by=2.0), Off(), "other"),
        (Off(), Off(by=2.0), "simple"),
    ],
)
def test_the_simpler_is_taken_unless_the_other_is_better_by_more_than_a_standard_error(
    simple: Off, other: Off, chosen: str
) -> None:
    assert fitting.choose({"simple": simple, "other": other}, FRAME, TARGET, CONTRACT) == chosen


def test_a_model_that_is_defined_on_no_fold_is_not_as_good_as_one_that_is() -> None:
    class Undefined(Off):
        def predict(self, frame: pd.DataFrame) -> Any:
            return np.full(len(frame), np.nan)

    assert fitting.choose({"simple": Undefined(), "other": Off()}, FRAME, TARGET, CONTRACT) == "other"
