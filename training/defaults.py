"""The estimators of a model that has only a contract: regularised linear, and gradient boosting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from retide.domain.contract import Column, ColumnType, Contract, Task
from training.errors import JobError

PENALTIES: Final = tuple(10.0**power for power in range(-3, 4))


def candidates(contract: Contract, params: Mapping[str, Any], empty: Collection[str] = ()) -> dict[str, Any]:
    """By name, the simpler first; `params: {estimator: linear}` or `boosting` leaves one.

    `empty` are the features without any value in the training part: nothing can be learnt from them.
    """
    used = [column for column in contract.features if column.name not in empty]
    if not used:
        raise JobError(f"All {len(contract.features)} features of model {contract.model!r} are empty; send data.")
    made = {"linear": linear(used, contract.task), "boosting": boosting(used, contract.task)}
    wanted = params.get("estimator", "auto")
    if wanted == "auto":
        return made
    if wanted not in made:
        raise JobError(f"params.estimator is {wanted!r}; without a model.py it can be auto, {' or '.join(made)}.")
    return {wanted: made[wanted]}


def linear(features: Sequence[Column], task: Task) -> Pipeline:
    """Medians for missing numbers, one column per category: an unseen category is none of them."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = _columns(features, numbers, OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    if task is Task.CLASSIFICATION:
        return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=1000))])
    return Pipeline([("columns", columns), ("model", RidgeCV(alphas=PENALTIES))])


def boosting(features: Sequence[Column], task: Task) -> Pipeline:
    """Trees that learn where a missing number goes; an unseen category counts as one of its own."""
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    kind = HistGradientBoostingClassifier if task is Task.CLASSIFICATION else HistGradientBoostingRegressor
    model = kind(max_iter=100, learning_rate=0.1, max_leaf_nodes=15, early_stopping=False)
    return Pipeline([("columns", _columns(features, "passthrough", ordinal)), ("model", model)])


def _columns(features: Sequence[Column], numbers: Any, categories: Any) -> ColumnTransformer:
    texts = [column.name for column in features if column.type is ColumnType.CATEGORY]
    others = [column.name for column in features if column.type is not ColumnType.CATEGORY]
    parts = [("numbers", numbers, others), ("categories", categories, texts)]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0)
