"""The cheapest estimator that learns anything: a logistic regression on one column."""

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from retide.domain.contract import Contract


def build(contract: Contract, params: dict[str, Any]) -> Any:
    """`height` alone, scaled."""
    heights = ColumnTransformer([("heights", StandardScaler(), ["height"])], remainder="drop")
    return Pipeline([("columns", heights), ("model", LogisticRegression(**params))])
