"""Tell malignant from benign tumours: a regularised logistic regression on standardised measurements."""

from collections.abc import Mapping
from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from retide.domain.contract import Contract


def build(_contract: Contract, params: Mapping[str, Any]) -> Pipeline:
    """Every feature is a number; a missing one counts as the median."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=params.get("C", 1.0), max_iter=1000),
    )
