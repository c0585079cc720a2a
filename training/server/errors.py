"""What is told to a client whose request cannot be answered."""

from __future__ import annotations

import json
from typing import Any, Final

SHOWN: Final = 200  # characters of a value


class RequestError(Exception):
    """A request that cannot be answered; `field` is a column's name, or None where the whole body is meant.

    `row` is the position of the record in the request, from 0, as that of its prediction would have been.
    """

    def __init__(
        self, reason: str, field: str | None = None, value: object = None, *, status: int = 400, row: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.field, self.value, self.status, self.row = reason, field, value, status, row

    def to_dict(self) -> dict[str, Any]:
        return {"field": self.field, "value": _short(self.value), "reason": self.reason, "row": self.row}


def _short(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) < float("inf"):
        return str(value)  # NaN and the infinities are no JSON
    text = json.dumps(value, default=str)
    return value if len(text) <= SHOWN and not _unwritable(text) else f"{_text(value)[:SHOWN]}…"


def _unwritable(text: str) -> bool:
    """Whether NaN or an infinity stands somewhere within."""
    return "NaN" in text or "Infinity" in text


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
