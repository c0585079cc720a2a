"""Foresee the progression of diabetes after a year: ridge regression, its penalty chosen by leave-one-out."""

from collections.abc import Mapping
from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from retide.domain.contract import Contract


def build(_contract: Contract, params: Mapping[str, Any]) -> Pipeline:
    """Every feature is a number; a missing one counts as the median."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        RidgeCV(alphas=params.get("penalties", [0.1, 1.0, 10.0, 100.0])),
    )
