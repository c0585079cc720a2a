"""One captured request and answer in DataCapture's form, read: who answered, what, and which rows that was about."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Captured:
    """`predictions` are in the order of the request's rows; `at` is when it was answered (ISO 8601, in UTC).

    `rows` are what was asked, empty where requests are not kept. `request` is the client's InferenceId, or the id that
    the server gave.
    """

    version: str
    request: str
    at: str
    predictions: tuple[Row, ...]
    rows: tuple[Row, ...] = ()

    def keys(self, ids: Sequence[str]) -> Iterator[str | None]:
        """For each prediction the key of its row: by the id columns, where requests are kept and have them.

        Else the InferenceId is the key, where there is one prediction. None: nobody knows.
        """
        for place in range(len(self.predictions)):
            row = self.rows[place] if len(self.rows) == len(self.predictions) else {}
            found = key(row, ids)
            yield found if found is not None else (self.request or None) if len(self.predictions) == 1 else None


def key(row: Row, ids: Sequence[str]) -> str | None:
    """The values of the id columns as one text, with `/` between them; None where one is missing, or none is named."""
    values = [row.get(name) for name in ids]
    if not values or any(value is None for value in values):
        return None
    return "/".join(map(str, values))


def read(line: bytes) -> Captured | None:
    """None for what is no answer of a model's server in JSON, such as one that was asked for as CSV."""
    try:
        captured = json.loads(line)
        data, about = captured["captureData"], captured.get("eventMetadata") or {}
        said = json.loads(_text(data["endpointOutput"]))
        predictions, version = said["predictions"], str(said["version"])
        request = str(about.get("inferenceId") or said.get("request_id") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if not all(isinstance(one, Mapping) for one in predictions):
        return None
    rows = tuple(_rows(data.get("endpointInput")))
    return Captured(version, request, str(about.get("inferenceTime", "")), tuple(predictions), rows)


def _text(side: Mapping[str, Any]) -> str:
    data = side["data"]
    return base64.b64decode(data).decode() if side.get("encoding") == "BASE64" else str(data)


def _rows(side: Mapping[str, Any] | None) -> Iterator[Row]:
    """The rows of a request in any of the forms that name their columns; none of another one."""
    if side is None:
        return
    try:
        text, kind = _text(side), str(side.get("observedContentType", ""))
        yield from _of_csv(text, kind) if "csv" in kind.lower() else _of_json(text)
    except (ValueError, LookupError, TypeError):
        return


def _of_csv(text: str, kind: str) -> Iterator[Row]:
    if "absent" not in kind.lower():
        yield from csv.DictReader(text.splitlines())


def _of_json(text: str) -> Iterator[Row]:
    try:
        said = json.loads(text)
    except ValueError:  # JSON Lines
        said = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(said, Mapping) and "columns" in said:
        yield from (dict(zip(said["columns"], values, strict=True)) for values in said["data"])
        return
    found = said.get("records", said.get("instances", [said])) if isinstance(said, Mapping) else said
    yield from (one for one in found if isinstance(one, Mapping))
