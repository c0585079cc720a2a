"""The estimators of a model that has only a contract: regularised linear, and gradient boosting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV, SGDClassifier, SGDRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from retide.domain.contract import Column, ColumnType, Contract, Task
from retide.domain.contract_tuning import Range
from retide.domain.tuning import Space
from training.errors import JobError

PENALTIES: Final = tuple(10.0**power for power in range(-3, 4))
AUTO: Final = "auto"
ESTIMATOR: Final = "estimator"
MODEL: Final = "model"  # the step of a pipeline that `linear__C` and the like are about

TUNED: Final[Mapping[Task, Space]] = {
    task: {
        ESTIMATOR: names,
        "boosting__l2_regularization": Range(1e-3, 100, log=True),
        "boosting__learning_rate": Range(0.02, 0.3, log=True),
        "boosting__max_iter": Range(50, 300, log=True, integer=True),
        "boosting__max_leaf_nodes": Range(4, 63, log=True, integer=True),
        "boosting__min_samples_leaf": Range(5, 100, log=True, integer=True),
        **more,
    }
    for task, names, more in (
        (Task.CLASSIFICATION, ("linear", "boosting"), {"linear__C": Range(1e-3, 1e3, log=True)}),
        (Task.REGRESSION, ("boosting",), {}),  # ridge regression finds its own penalty
    )
}

GRADUAL: Final[Space] = {"linear__alpha": Range(1e-7, 0.1, log=True)}


def candidates(contract: Contract, params: Mapping[str, Any], empty: Collection[str] = ()) -> dict[str, Any]:
    """By name, the simpler first; `params: {estimator: linear}` or `boosting` leaves one.

    `linear__C: 0.1` and the like set what scikit-learn calls so of the estimator of that name. `empty` are the features
    without any value in the training part: nothing can be learnt from them.
    """
    made = _wanted(contract, params, empty)
    for name, estimator in made.items():
        told = relevant(params, name)
        if unknown := sorted(set(told) - estimator.named_steps[MODEL].get_params().keys()):
            kind = type(estimator.named_steps[MODEL]).__name__
            raise JobError(f"{name}__{unknown[0]} is no parameter of the default estimator {name}, a {kind}.")
        estimator.named_steps[MODEL].set_params(**told)
    return made


def relevant(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The parameters of the estimator of that name, as it calls them."""
    return {param.removeprefix(f"{name}__"): said for param, said in params.items() if param.startswith(f"{name}__")}


def narrowed(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Of all parameters those that make this very estimator."""
    return {ESTIMATOR: name, **{param: said for param, said in params.items() if param.startswith(f"{name}__")}}


def space(contract: Contract) -> Space:
    """What a search tries without a word of the contract; an estimator that the contract names is the only one."""
    tried = GRADUAL if contract.training.incremental else TUNED[contract.task]
    named = contract.params.get(ESTIMATOR, AUTO) != AUTO
    return {name: of for name, of in tried.items() if not (named and name == ESTIMATOR)}


def _wanted(contract: Contract, params: Mapping[str, Any], empty: Collection[str]) -> dict[str, Any]:
    used = [column for column in contract.features if column.name not in empty]
    if not used:
        raise JobError(f"All {len(contract.features)} features of model {contract.model!r} are empty; send data.")
    if contract.training.incremental:
        made = {"linear": gradual(used, contract.task)}
    else:
        made = {"linear": linear(used, contract.task), "boosting": boosting(used, contract.task)}
    wanted = params.get(ESTIMATOR, AUTO)
    if unknown := [name for name in params if name != ESTIMATOR and name.partition("__")[0] not in made]:
        known = " and ".join(f"{name}__…" for name in made)
        raise JobError(f"params.{unknown[0]} says nothing to the default estimators; they know {ESTIMATOR}, {known}.")
    if wanted == AUTO:
        return made
    if wanted not in made:
        raise JobError(f"params.estimator is {wanted!r}; without a model.py it can be auto, {' or '.join(made)}.")
    return {wanted: made[wanted]}


def linear(features: Sequence[Column], task: Task) -> Pipeline:
    """Medians for missing numbers, one column per category: an unseen category is none of them."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = _columns(features, numbers, OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    if task is Task.CLASSIFICATION:
        return Pipeline([("columns", columns), (MODEL, LogisticRegression(max_iter=1000))])
    return Pipeline([("columns", columns), (MODEL, RidgeCV(alphas=PENALTIES))])


def gradual(features: Sequence[Column], task: Task) -> Pipeline:
    """As `linear`, learning from pieces of the data by averaged stochastic gradient descent."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = _columns(features, numbers, OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    kind = {Task.CLASSIFICATION: SGDClassifier, Task.REGRESSION: SGDRegressor}[task]
    loss = "log_loss" if task is Task.CLASSIFICATION else "squared_error"
    return Pipeline([("columns", columns), (MODEL, kind(loss=loss, average=True))])


def boosting(features: Sequence[Column], task: Task) -> Pipeline:
    """Trees that learn where a missing number goes; an unseen category counts as one of its own."""
    kind = HistGradientBoostingClassifier if task is Task.CLASSIFICATION else HistGradientBoostingRegressor
    model = kind(max_iter=100, learning_rate=0.1, max_leaf_nodes=31, early_stopping=False)
    return Pipeline([("columns", ordinal(features)), (MODEL, model)])


def ordinal(features: Sequence[Column]) -> ColumnTransformer:
    """Numbers as they are, categories by their number: -1 for one that training never saw."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return _columns(features, "passthrough", encoder)


def _columns(features: Sequence[Column], numbers: Any, categories: Any) -> ColumnTransformer:
    texts = [column.name for column in features if column.type is ColumnType.CATEGORY]
    others = [column.name for column in features if column.type is not ColumnType.CATEGORY]
    parts = [("numbers", numbers, others), ("categories", categories, texts)]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0)
