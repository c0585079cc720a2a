"""The ONNX form: the same bytes whatever order the converter happens to choose, and the contract's own names."""

from typing import Final

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from training import convert, fitting
from training.errors import JobError
from training.server.artefact import open_session, run
from training.server.manifest import Feature

NAMES: Final = ["mean radius", "größe (€)", "1st", "x.y/z", "mean_radius"]
FEATURES: Final = tuple(Feature(name, "float", nullable=True) for name in NAMES)
FRAME: Final = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32), columns=NAMES)
TARGET: Final = (FRAME["1st"] > FRAME["x.y/z"]).to_numpy().astype(np.int64)
COLUMNS: Final = {name: FRAME[name].to_numpy() for name in NAMES}


def fitted(estimator: object) -> Pipeline:
    prepared: Pipeline = fitting.prepare(estimator, NAMES, 0).fit(FRAME, TARGET)
    return prepared


def test_the_order_of_imports_and_the_name_of_the_graph_do_not_show() -> None:
    model = onnx.load_from_string(convert.convert(fitted(LogisticRegression()), FEATURES, "classification"))
    expected = convert.settled(model)
    imports = [(entry.domain, entry.version) for entry in model.opset_import]
    assert len(imports) == len({domain for domain, _ in imports}) > 1
    del model.opset_import[:]
    for domain, version in [*reversed(imports), imports[0]]:
        model.opset_import.add(domain=domain, version=version)
    model.graph.name = "another"
    assert convert.settled(model) == expected


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        HistGradientBoostingClassifier(max_iter=5),
        make_pipeline(ColumnTransformer([("two", StandardScaler(), ["1st", "größe (€)"])]), LogisticRegression()),
    ],
    ids=["bare", "a pipeline", "trees", "some columns by name"],
)
def test_inputs_keep_the_names_of_the_contract_whatever_they_hold(estimator: object) -> None:
    model = fitted(estimator)
    onnx_model = convert.convert(model, FEATURES, "classification")
    session = open_session(onnx_model)
    assert set(session.inputs) <= set(NAMES)
    np.testing.assert_allclose(run(session, COLUMNS), convert.expected(model, FRAME), atol=1e-5)


def test_a_difference_between_estimator_and_artefact_is_measured_and_refused() -> None:
    model, other = fitted(LogisticRegression()), fitted(LogisticRegression(C=1e-3))
    artefact = convert.convert(model, FEATURES, "classification")
    assert convert.parity(model, artefact, FRAME, COLUMNS, 1.0) < convert.TOLERANCE
    with pytest.raises(JobError, match="what was trained is not what would be served"):
        convert.parity(other, artefact, FRAME, COLUMNS, 1.0)
