"""Turn a fitted estimator into ONNX bytes, the same for the same estimator, and prove that both predict alike."""

from __future__ import annotations

import sys
import traceback
from typing import Any, Final

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from training.errors import JobError
from training.server.artefact import Columns, Scores, open_session, run
from training.server.manifest import Feature

OPSETS: Final = {"": 21, "ai.onnx.ml": 3}  # of trees the newest that all converters write
TOLERANCE: Final = 1e-4


def convert(estimator: Any, features: tuple[Feature, ...], task: str) -> bytes:
    """One input per feature, under its name; raises JobError where skl2onnx knows no converter."""
    inputs = [(f.name, (StringTensorType if f.categorical else FloatTensorType)([None, 1])) for f in features]
    options = {"zipmap": False} if task == "classification" else None
    try:
        model = to_onnx(estimator, initial_types=inputs, options=options, target_opset=OPSETS)
    except Exception as error:  # the converter raises whatever it meets
        traceback.print_exception(error, file=sys.stderr)
        raise JobError(
            f"The estimator cannot be converted to ONNX, so it cannot be served: {_first_line(error)} "
            "Build it from parts that skl2onnx supports."
        ) from error
    _restore_names(model, features)
    return settled(model)


def settled(model: Any) -> bytes:
    """The bytes, less what differs from run to run: the converter names graphs, and lists its imports in any order."""
    model.graph.name = "retide"
    imports = sorted({(entry.domain, entry.version) for entry in model.opset_import})
    del model.opset_import[:]
    for domain, version in imports:
        model.opset_import.add(domain=domain, version=version)
    return bytes(model.SerializeToString(deterministic=True))


def parity(estimator: Any, onnx: bytes, frame: pd.DataFrame, columns: Columns, scale: float) -> float:
    """The largest difference between the estimator and its ONNX form; raises JobError beyond TOLERANCE * scale.

    `scale`: 1 for probabilities, the target's spread for values.
    """
    predicted = expected(estimator, frame)
    if wrong := int((~np.isfinite(predicted)).any(axis=1).sum()):
        raise JobError(
            f"The estimator predicts NaN or infinity for {wrong} of {len(predicted)} rows: "
            "look for a step that divides by zero or lets missing values through."
        )
    difference = float(np.abs(predicted - run(open_session(onnx), columns)).max())
    if not difference <= TOLERANCE * scale:
        raise JobError(
            f"The ONNX form of the estimator differs from it by {difference:.3g} (allowed: {TOLERANCE * scale:.3g}): "
            "what was trained is not what would be served. Scale the features, or use another estimator."
        )
    return difference


def expected(estimator: Any, frame: pd.DataFrame) -> Scores:
    """What the estimator itself says: (rows, classes) or (rows, 1)."""
    method = getattr(estimator, "predict_proba", None) or estimator.predict
    return np.asarray(method(frame), dtype=np.float64).reshape(len(frame), -1)


def _restore_names(model: Any, features: tuple[Feature, ...]) -> None:
    """The converter replaces what is no identifier in a name; the inputs keep the order of the features."""
    renamed = {entry.name: feature.name for entry, feature in zip(model.graph.input, features, strict=True)}
    for entry in model.graph.input:
        entry.name = renamed[entry.name]
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".") + "."
