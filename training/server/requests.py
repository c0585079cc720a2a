"""Turn the body of a request into columns, or say which field is wrong, with which value, and why."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .artefact import Columns
from .manifest import MISSING, Feature, Manifest

ABSENT: Final = object()
FLOAT32_MAX: Final = float(np.finfo(np.float32).max)


class RequestError(Exception):
    """A request that cannot be answered; `field` is a column's name, or None where the whole body is meant."""

    def __init__(self, reason: str, field: str | None = None, value: object = None, status: int = 400) -> None:
        super().__init__(reason)
        self.reason, self.field, self.value, self.status = reason, field, value, status


def parse(body: bytes, content_type: str, manifest: Manifest) -> Columns:
    """Read a body of type application/json or text/csv; raises RequestError."""
    kind, _, _ = content_type.partition(";")
    if kind.strip().lower() == "application/json":
        return columns(_json_records(body), manifest)
    if kind.strip().lower() == "text/csv":
        return columns(_csv_records(body, manifest), manifest)
    raise RequestError("send Content-Type application/json or text/csv", "Content-Type", content_type, status=415)


def columns(records: Sequence[Mapping[str, Any]], manifest: Manifest) -> Columns:
    """Lay records out by feature; raises RequestError for the first value that the manifest does not allow."""
    known = {feature.name for feature in manifest.features}.union(manifest.columns)
    for unknown in (name for name in chain.from_iterable(records) if name not in known):
        raise RequestError(f"is not a column of model {manifest.model!r}", unknown)
    return {feature.name: _column(feature, records) for feature in manifest.features}


def _column(feature: Feature, records: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
    convert = CONVERTERS[feature.type]
    values = [_value(feature, record.get(feature.name, ABSENT), convert) for record in records]
    return np.array(values, dtype=object if feature.categorical else np.float32)


def _value(feature: Feature, value: Any, convert: Callable[[Any], Any]) -> Any:
    if value is None or value is ABSENT:
        if not feature.nullable:
            reason = "is missing" if value is ABSENT else "must not be null"
            raise RequestError(reason, feature.name, None)
        return MISSING if feature.categorical else np.nan
    try:
        return convert(value)
    except (ValueError, OverflowError) as error:
        reason = "is too large" if isinstance(error, OverflowError) else str(error)
        raise RequestError(reason, feature.name, value) from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    number = float(value)
    if not abs(number) <= FLOAT32_MAX:
        raise ValueError("must be a finite number that 32 bits can hold")
    return number


def _integer(value: Any) -> float:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("must be a whole number")
    return number


def _boolean(value: Any) -> float:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return float(value)


def _category(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


CONVERTERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "integer": _integer,
    "float": _number,
    "boolean": _boolean,
    "category": _category,
}


def _json_records(body: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise RequestError('send {"records": [{…}]}, one record {…}, or {"columns": […], "data": [[…]]}')
    if isinstance(document.get("records"), list):
        return _records(document["records"])
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return _table(document["columns"], document["data"])
    return [document]


def _records(records: list[Any]) -> Sequence[Mapping[str, Any]]:
    if not records:
        raise RequestError("holds no record", "records", [])
    for record in records:
        if not isinstance(record, dict):
            raise RequestError("must hold objects, one per row", "records", record)
    return records


def _table(names: Sequence[Any], rows: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise RequestError("must be distinct texts", "columns", names)
    if not rows:
        raise RequestError("holds no row", "data", [])
    for row in rows:
        if not isinstance(row, list) or len(row) != len(names):
            raise RequestError(f"must hold rows of {len(names)} values, one per column", "data", row)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _csv_records(body: bytes, manifest: Manifest) -> Sequence[Mapping[str, Any]]:
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if line]
    except (ValueError, csv.Error) as error:
        raise RequestError(f"the body is not CSV: {error}") from error
    if len(lines) < 2:
        raise RequestError("send a header line with the columns' names and at least one row")
    header, *rows = lines
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise RequestError("separate the columns with commas", "header", header[0])
    types = {feature.name: feature.type for feature in manifest.features}
    missing = frozenset(manifest.missing)
    return [
        {name: _from_text(record[name], types.get(name), missing) for name in header} for record in _table(header, rows)
    ]


def _from_text(text: str, kind: str | None, missing: frozenset[str]) -> Any:
    """A cell as JSON would have carried it; a text that does not fit its type is left for the check to refuse."""
    if text in missing:
        return None
    if kind == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}.get(text.strip().lower(), text)
    if kind in ("integer", "float"):
        try:
            return float(text)
        except ValueError:
            return text
    return text
