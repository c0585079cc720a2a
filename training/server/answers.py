"""Write predictions as the client wants them: JSON, JSON Lines or CSV."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .artefact import label_text
from .manifest import Manifest
from .media import CSV, JSON, Form

type Prediction = Mapping[str, Any]

encode: Final[Callable[[Any], str]] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def document(predictions: Sequence[Prediction], about: Mapping[str, Any]) -> bytes:
    """JSON: `about` tells which model answered which request."""
    return encode({**about, "predictions": predictions}).encode()


def written(predictions: Sequence[Prediction], form: Form, about: Mapping[str, Any], manifest: Manifest) -> bytes:
    """One prediction for each record, in their order; only JSON has a place for `about`, headers tell it as well."""
    if form.type == JSON:
        return document(predictions, about)
    if form.type == CSV:
        return _csv(predictions, manifest, header=form.header)
    return "".join(f"{encode(prediction)}\n" for prediction in predictions).encode()


def content_type(form: Form) -> str:
    if form.type != CSV:
        return form.type
    return f"{CSV}; charset=utf-8; header={'present' if form.header else 'absent'}"


def _csv(predictions: Sequence[Prediction], manifest: Manifest, *, header: bool) -> bytes:
    """`value`, or `label`, `probability` and one column `probability:<class>` for each class."""
    names = [label_text(label) for label in manifest.classes]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(["label", "probability", *(f"probability:{name}" for name in names)] if names else ["value"])
    writer.writerows(_cells(prediction, names) for prediction in predictions)
    return text.getvalue().encode()


def _cells(prediction: Prediction, names: Sequence[str]) -> list[Any]:
    if not names:
        return [prediction["value"]]
    probabilities = prediction["probabilities"]
    return [label_text(prediction["label"]), prediction["probability"], *(probabilities[name] for name in names)]
