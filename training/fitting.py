"""Fit an estimator the same way every time, and choose among the default ones by cross-validation."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from retide.domain.contract import Contract, Task
from training import metrics, thresholds
from training.convert import expected

FOLDS: Final = 3
SELECTION_ROWS: Final = 5_000

type Scores = NDArray[np.float64]
type Target = NDArray[np.int64] | NDArray[np.float64]
type Fit = Callable[[Any, pd.DataFrame, Target, Sequence[Any]], Any]


def whole(estimator: Any, frame: pd.DataFrame, target: Target, _classes: Sequence[Any]) -> Any:
    """Fit on all rows at once."""
    return estimator.fit(frame, target)


def prepare(estimator: Any, features: list[str], seed: int) -> Any:
    """Fix every open `random_state`, and hand all features as one table to an estimator that names none."""
    np.random.seed(seed)  # noqa: NPY002 - estimators without a random_state draw from here
    random.seed(seed)
    if not isinstance(_first_step(estimator), ColumnTransformer):
        columns = ColumnTransformer([("features", "passthrough", features)], sparse_threshold=0)
        estimator = Pipeline([("columns", columns), ("model", estimator)])
    states = [name for name, value in estimator.get_params().items() if name.endswith("random_state") and value is None]
    return estimator.set_params(**dict.fromkeys(states, seed))


def _first_step(estimator: Any) -> Any:
    return _first_step(estimator.steps[0][1]) if isinstance(estimator, Pipeline) else estimator


def choose(estimators: Mapping[str, Any], frame: pd.DataFrame, target: Target, contract: Contract) -> str:
    """The first, simplest one that is within a standard error of the best by the contract's metric.

    A best score that folds do not tell from a simpler model's is chance (Breiman et al. 1984, the 1 SE rule). The
    holdout plays no part; on many rows a thinned sample decides: the question is which family fits, not how well.
    """
    if len(estimators) == 1:
        return next(iter(estimators))
    sample, truth = thinned(frame, target, SELECTION_ROWS)
    scored = {name: by_fold(estimator, sample, truth, contract) for name, estimator in estimators.items()}
    means = {name: _mean(scores, contract) for name, scores in scored.items()}
    print("cross-validated", contract.metric.name, {name: round(mean, 6) for name, mean in means.items()})
    best = max(means, key=lambda name: contract.metric.sign * means[name])
    return next(name for name in scored if name == best or _as_good(scored[name], scored[best], contract))


def _as_good(simpler: Scores, best: Scores, contract: Contract) -> bool:
    """Whether what the best gains over the same folds is less than a standard error of it."""
    gains = contract.metric.sign * (best - simpler)
    if not np.isfinite(gains).all():
        return False
    return bool(gains.mean() <= gains.std(ddof=1) / np.sqrt(len(gains)))


def thinned(frame: pd.DataFrame, target: Target, rows: int) -> tuple[pd.DataFrame, Target]:
    """At most `rows` rows in their order, evenly along the target: every class keeps its share."""
    step = -(-len(frame) // rows)
    kept = np.sort(np.argsort(target, kind="stable")[::step])
    return frame.iloc[kept], target[kept]


def cross_validated(estimator: Any, frame: pd.DataFrame, target: Target, contract: Contract) -> float:
    return _mean(by_fold(estimator, frame, target, contract), contract)


def by_fold(estimator: Any, frame: pd.DataFrame, target: Target, contract: Contract) -> Scores:
    """(folds,): NaN where the metric is not defined."""
    folds, said = _folds(target), out_of_fold(estimator, frame, target, contract.task)
    return np.array([_fold_score(said, target, folds == fold, contract) for fold in range(FOLDS)])


def out_of_fold(estimator: Any, frame: pd.DataFrame, target: Target, task: Task) -> Scores:
    """(rows, classes) or (rows, 1): of each row what a copy says that learned from the other folds alone.

    NaN where these cannot be learnt from.
    """
    folds, classes = _folds(target), int(target.max()) + 1 if task is Task.CLASSIFICATION else 1
    said = np.full((len(frame), classes), np.nan)
    for held in (folds == fold for fold in range(FOLDS)):
        if _learnable(frame, target, held):
            fitted = clone(estimator).fit(frame[~held], target[~held])
            places = fitted.classes_ if task is Task.CLASSIFICATION else [0]
            said[held] = 0.0
            said[np.ix_(held, places)] = expected(fitted, frame[held])
    return said


def _mean(scores: Scores, contract: Contract) -> float:
    """Over folds; the worst possible score where the metric is defined on none of them."""
    defined = scores[np.isfinite(scores)]
    return float(defined.mean()) if len(defined) else -contract.metric.sign * np.inf


def _folds(target: Target) -> NDArray[np.int64]:
    """Rows in order of their target, dealt out in turn: every fold gets its share of every class."""
    folds = np.empty(len(target), dtype=np.int64)
    folds[np.argsort(target, kind="stable")] = np.arange(len(target)) % FOLDS
    return folds


def _learnable(frame: pd.DataFrame, target: Target, held: NDArray[np.bool_]) -> bool:
    """Not where the rest of the rows holds one class only, or a column without a value."""
    rest = frame[~held]
    emptied = rest.isna().all() & frame.notna().any()
    return bool(held.any()) and len(np.unique(target[~held])) > 1 and not emptied.any()


def _fold_score(said: Scores, target: Target, held: NDArray[np.bool_], contract: Contract) -> float:
    """A threshold is chosen on the other folds: labels of a fold say nothing about how it is judged."""
    if not held.any() or np.isnan(said[held]).any():
        return float("nan")
    name, cutoff = contract.metric.name, None
    if name in metrics.BY_LABEL and said.shape[1] == 2:
        cutoff = thresholds.cutoff(contract.metric, target[~held], said[~held])
    return metrics.score(name, target[held], said[held], cutoff)
