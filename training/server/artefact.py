"""A model as it is served: ONNX Runtime on one thread, behind the manifest that describes its inputs and outputs."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .manifest import ONNX_FILE, ArtefactError, Manifest

type Columns = Mapping[str, NDArray[Any]]
type Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A loaded model; `predict` is the only way anything in Retide computes a prediction."""

    manifest: Manifest
    session: Session

    @classmethod
    def load(cls, folder: Path) -> Artefact:
        """Raises ArtefactError where the folder holds no model, or not the bytes that its manifest names."""
        manifest = Manifest.read(folder)
        return cls(manifest, open_session(_verified(folder / ONNX_FILE, manifest.onnx_sha256)))

    def predict(self, columns: Columns) -> Scores:
        """Probabilities of shape (rows, classes) for classification, values of shape (rows, 1) for regression.

        `columns`: by feature name float32 (rows,), or texts (rows,) for categories.
        """
        return self.session.run(columns)

    @property
    def threshold(self) -> float | None:
        """The probability from which on the second of two classes is said; None: the most probable class is."""
        return self.manifest.threshold["value"] if self.manifest.threshold else None

    def render(self, scores: Scores) -> list[dict[str, Any]]:
        """The predictions as a client reads them, one per row."""
        if not self.manifest.classes:
            return [{"value": value} for value in scores[:, 0].tolist()]
        return [self._render_label(row) for row in scores.tolist()]

    def _render_label(self, row: Sequence[float]) -> dict[str, Any]:
        labels, threshold = self.manifest.classes, self.threshold
        best = max(range(len(row)), key=row.__getitem__) if threshold is None else int(row[1] >= threshold)
        named = {label_text(label): probability for label, probability in zip(labels, row, strict=True)}
        return {"label": labels[best], "probability": row[best], "probabilities": named}


def label_text(label: object) -> str:
    """A label as the key of a JSON object: true and false as JSON writes them."""
    return str(label).lower() if isinstance(label, bool) else str(label)


class Session:
    """ONNX Runtime's, with the names of its inputs and of its last output looked up once."""

    def __init__(self, inner: Any) -> None:
        self._run = inner.run
        self.inputs = tuple(entry.name for entry in inner.get_inputs())
        self._output = [inner.get_outputs()[-1].name]

    def run(self, columns: Columns) -> Scores:
        """`columns`: by input (rows,) or (rows, 1)."""
        feeds = {name: columns[name].reshape(-1, 1) for name in self.inputs}
        output = self._run(self._output, feeds)[0]
        return np.asarray(output, dtype=np.float64).reshape(len(output), -1)


def open_session(onnx: bytes) -> Session:
    """One thread: rows are small, and a serverless container has no cores to spare."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return Session(onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"]))
    except Exception as error:  # ONNX Runtime's errors share no base class below this one
        raise ArtefactError(f"ONNX Runtime refuses the model: {error}") from error


def run(session: Session, columns: Columns) -> Scores:
    """Run a session on columns; its last output holds probabilities or values."""
    return session.run(columns)


def _verified(file: Path, expected: str) -> bytes:
    try:
        onnx = file.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{file.name} cannot be read: {error.strerror}") from error
    seen = hashlib.sha256(onnx).hexdigest()
    if seen != expected:
        raise ArtefactError(f"{file.name} has sha256 {seen}, its manifest says {expected}: the model was altered")
    return onnx
