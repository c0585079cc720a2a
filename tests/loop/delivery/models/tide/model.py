"""A logistic regression on one column: what the model is worth depends on which."""

from collections.abc import Mapping
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from retide.domain.contract import Contract

COLUMN = "echo"
STRENGTH = 1.0


def build(_contract: Contract, _params: Mapping[str, Any]) -> Pipeline:
    """Of the two columns one is the other's echo, and tells less."""
    columns = ColumnTransformer([("column", StandardScaler(), [COLUMN])], remainder="drop")
    return Pipeline([("columns", columns), ("model", LogisticRegression(C=STRENGTH))])
