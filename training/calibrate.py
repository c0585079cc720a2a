"""What follows from how a model does on rows that it did not learn from: its threshold, or its prediction interval.

The rows are of the training part: copies of the estimator say each row that learned from the other folds alone. The
holdout plays no part, or it could not judge what was chosen on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from retide.domain.contract import Contract, Cut, Task
from retide.domain.contract_metric import MIDDLE
from training import fitting, thresholds
from training.errors import JobError
from training.metrics import Array
from training.server.manifest import Label

ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Calibrated:
    """As the manifest of a model holds them; None where there is none."""

    threshold: Mapping[str, Any] | None = None
    interval: Mapping[str, Any] | None = None


def calibrate(
    estimator: Any, frame: pd.DataFrame, target: fitting.Target, classes: Sequence[Label], contract: Contract
) -> Calibrated:
    """On at most ROWS rows; raises JobError where a threshold is asked for and cannot be chosen."""
    if contract.task is Task.CLASSIFICATION:
        return Calibrated(threshold=_threshold(estimator, frame, target, classes, contract))
    return Calibrated(interval=_interval(estimator, frame, target, contract))


def _threshold(
    estimator: Any, frame: pd.DataFrame, target: fitting.Target, classes: Sequence[Label], contract: Contract
) -> Mapping[str, Any] | None:
    rule = contract.metric.threshold
    if rule == MIDDLE:
        return None
    if len(classes) != 2:
        raise JobError(f"metric.threshold parts two classes, and the training rows hold {len(classes)}; leave it out.")
    if not isinstance(rule, Cut):
        return {"value": rule, "label": classes[1], "by": "contract", "rows": 0}
    sample, truth = fitting.thinned(frame, target, ROWS)
    said = fitting.out_of_fold(estimator, sample, truth, contract.task)
    value = thresholds.of(contract.metric, truth, said)
    if value is None:
        raise JobError(f"The {len(sample)} training rows are too few to choose metric.threshold for {rule.value}.")
    return {"value": value, "label": classes[1], "by": rule.value, "rows": int(np.isfinite(said[:, 1]).sum())}


def _interval(
    estimator: Any, frame: pd.DataFrame, target: fitting.Target, contract: Contract
) -> Mapping[str, Any] | None:
    level = contract.metric.interval
    if level is None:
        return None
    sample, truth = fitting.thinned(frame, target, ROWS)
    try:
        said = fitting.out_of_fold(estimator, sample, truth, contract.task)[:, 0]
    except Exception as error:  # noqa: BLE001 - an estimator that learns from all rows, and not from two thirds
        return {"level": level, "lacking": f"{type(error).__name__}: {error}"}
    residuals = np.sort((truth - said)[np.isfinite(said)])
    bounds = quantiles(residuals, level)
    if bounds is None:
        return {"level": level, "lacking": f"{len(residuals)} rows are too few"}
    return {"level": level, "low": bounds[0], "high": bounds[1], "rows": len(residuals)}


def quantiles(residuals: Array, level: float) -> tuple[float, float] | None:
    """Between which of the sorted residuals a new one lies with at least `level`, as much on either side beyond.

    Of n exchangeable ones the k-th smallest, k = ⌈(n + 1) q⌉, is not exceeded with at least q (Vovk et al. 2005; Lei
    et al. 2018, split conformal). None for so few that k > n.
    """
    rows = len(residuals)
    place = math.ceil(round((rows + 1) * (1 + level) / 2, 9))
    if place > rows:
        return None
    return float(residuals[rows - place]), float(residuals[place - 1])
