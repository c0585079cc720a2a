"""The model.py that `retide init --with-model` writes: a deterministic pipeline to start from, which converts."""

from __future__ import annotations

from typing import Final

from retide.domain.contract import Contract, Task

MODEL_FILE: Final = "model.py"
_TEXT: Final = '''"""How the {model} model is built: gradient boosted trees."""

from collections.abc import Mapping
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import {estimator}
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from retide.domain.contract import ColumnType, Contract


def build(contract: Contract, params: Mapping[str, Any]) -> Pipeline:
    """Trees learn where a missing number goes; a category that training never saw counts as one of its own."""
    categories = [column.name for column in contract.features if column.type is ColumnType.CATEGORY]
    numbers = [column.name for column in contract.features if column.type is not ColumnType.CATEGORY]
    ranks = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    parts = [("numbers", "passthrough", numbers), ("categories", ranks, categories)]
    columns = ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0)
    trees = {estimator}(
        max_iter=params.get("trees", 100),
        learning_rate=params.get("learning_rate", 0.1),
        max_leaf_nodes=params.get("leaves", 15),
        early_stopping=False,
    )
    return Pipeline([("columns", columns), ("model", trees)])
'''


def model_text(contract: Contract) -> str:
    kind = "Classifier" if contract.task is Task.CLASSIFICATION else "Regressor"
    return _TEXT.format(model=contract.model, estimator=f"HistGradientBoosting{kind}")
