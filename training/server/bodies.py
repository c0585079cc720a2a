"""Take a body apart into records: JSON in four layouts, JSON Lines, and CSV with or without a header."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .errors import RequestError
from .manifest import Manifest
from .media import CSV, JSON, Form

type Record = Mapping[str, Any]

LAYOUTS: Final = (
    'send {"records": [{…}]}, {"instances": [{…} or […]]}, {"columns": […], "data": [[…]]}, or one record {…}'
)
FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}


def records(body: bytes, form: Form, manifest: Manifest) -> Sequence[Record]:
    """At least one record, its values as JSON has them; raises RequestError."""
    if form.type == JSON:
        return _json(body, manifest)
    return _csv(body, form, manifest) if form.type == CSV else _json_lines(body, manifest)


def _json(body: bytes, manifest: Manifest) -> Sequence[Record]:
    document = _loaded(body, "the body")
    if not isinstance(document, dict):
        raise RequestError(LAYOUTS)
    if isinstance(document.get("records"), list):
        return _rows(_alone(document, "records"), "records", manifest)
    if isinstance(document.get("instances"), list):
        return _rows(_alone(document, "instances"), "instances", manifest, positional=True)
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        _alone(document, "columns", "data")
        return _table(document["columns"], document["data"])
    return [document]


def _loaded(text: bytes, what: str, row: int | None = None) -> Any:
    try:
        return json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{what} is not JSON: {error}", row=row) from error


def _alone(document: dict[str, Any], *names: str) -> list[Any]:
    for name, value in document.items():
        if name not in names:
            raise RequestError(f"does not belong beside {' and '.join(map(repr, names))}", name, value)
    rows: list[Any] = document[names[0]]
    return rows


def _rows(rows: list[Any], field: str, manifest: Manifest, *, positional: bool = False) -> Sequence[Record]:
    """Objects, or where that is allowed lists of the features' values in their order."""
    if not rows:
        raise RequestError("holds no record", field, [])
    for row in rows:
        if not isinstance(row, dict):
            break
    else:
        return rows
    return [_row(row, number, field, manifest, positional=positional) for number, row in enumerate(rows)]


def _row(row: Any, number: int, field: str | None, manifest: Manifest, *, positional: bool) -> Record:
    if isinstance(row, dict):
        return row
    if not (positional and isinstance(row, list)):
        raise RequestError("must hold objects, one per row", field, row, row=number)
    names = [feature.name for feature in manifest.features]
    if len(row) != len(names):
        raise RequestError(f"must hold the {len(names)} features in their order", field, row, row=number)
    return dict(zip(names, row, strict=True))


def _table(names: Sequence[Any], rows: Sequence[Any]) -> Sequence[Record]:
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise RequestError("must be distinct texts", "columns", names)
    if not rows:
        raise RequestError("holds no row", "data", [])
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise RequestError(f"must hold rows of {len(names)} values, one per column", "data", row, row=number)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _json_lines(body: bytes, manifest: Manifest) -> Sequence[Record]:
    lines = [line for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    if not lines:
        raise RequestError("send one record on each line")
    loaded = (_loaded(line, f"line {number + 1}", number) for number, line in enumerate(lines))
    return [_row(row, number, None, manifest, positional=True) for number, row in enumerate(loaded)]


def _csv(body: bytes, form: Form, manifest: Manifest) -> Sequence[Record]:
    lines = _cells(body)
    features = [feature.name for feature in manifest.features]
    header, rows = (lines[0], lines[1:]) if form.header and lines else (features, lines)
    if form.header and lines:
        _check_header(header, manifest)
    if not rows:
        raise RequestError("send a header line with the columns' names and at least one row")
    types = {feature.name: feature.type for feature in manifest.features}
    missing = frozenset(manifest.missing)
    return [
        {name: _from_text(record[name], types.get(name), missing) for name in header} for record in _table(header, rows)
    ]


def _cells(body: bytes) -> list[list[str]]:
    try:
        text = io.StringIO(body.decode("utf-8-sig"), newline="")
        return [line for line in csv.reader(text, strict=True) if line]
    except (ValueError, csv.Error) as error:
        raise RequestError(f"the body is not CSV: {error}") from error


def _check_header(header: list[str], manifest: Manifest) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise RequestError("separate the columns with commas", "header", header[0])
    known = {feature.name for feature in manifest.features}.union(manifest.columns)
    if known.isdisjoint(header):
        raise RequestError(
            "names no column of this model; rows without a header are sent as Content-Type 'text/csv; header=absent', "
            "the features in their order",
            "header",
            header,
        )


def _from_text(text: str, kind: str | None, missing: frozenset[str]) -> Any:
    """A cell as JSON would have carried it; a text that does not fit its type is left for the check to refuse."""
    if text in missing:
        return None
    if kind == "boolean":
        return FLAGS.get(text.strip().lower(), text)
    if kind in ("integer", "float") and text.isascii() and "_" not in text:  # Python reads more than others write
        try:
            return float(text)
        except ValueError:
            return text
    return text
