"""What all List operations share: filters, order, pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from retide.local.errors import invalid
from retide.local.interfaces import Json

DEFAULT_PAGE: Final = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list, with what it is filtered and sorted by; `name` is unique in the list."""

    name: str
    created: datetime
    modified: datetime
    summary: Json
    status: str = ""


def page(
    member: str, rows: Iterable[Row], request: Json, order: Literal["Ascending", "Descending"] = "Ascending"
) -> Json:
    """The page that a List request asks for: {member: [summaries], NextToken?}."""
    kept = _sorted([row for row in rows if _matches(row, request)], request, order)
    start = _start(kept, request.get("NextToken"))
    end = start + request.get("MaxResults", DEFAULT_PAGE)
    answer: Json = {member: [row.summary for row in kept[start:end]]}
    if end < len(kept):
        answer["NextToken"] = base64.urlsafe_b64encode(kept[end - 1].name.encode()).decode()
    return answer


def _sorted(rows: list[Row], request: Json, order: str) -> list[Row]:
    """Rows that are equal keep the order in which they came to be, backwards when the list goes backwards."""
    numbers = {row.name: number for number, row in enumerate(rows)}
    key = _sort_key(request)
    descending = request.get("SortOrder", order) == "Descending"
    return sorted(rows, key=lambda row: (key(row), numbers[row.name]), reverse=descending)


def _matches(row: Row, request: Json) -> bool:
    return (
        request.get("NameContains", "").lower() in row.name.lower()
        and request.get("StatusEquals", row.status) == row.status
        and _within(row.created, request, "CreationTime")
        and _within(row.modified, request, "LastModifiedTime")
    )


def _within(moment: datetime, request: Json, member: str) -> bool:
    after, before = request.get(f"{member}After"), request.get(f"{member}Before")
    return (after is None or moment > _moment(after)) and (before is None or moment < _moment(before))


def _moment(value: float | str) -> datetime:
    if not isinstance(value, str):
        return datetime.fromtimestamp(value, UTC)
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError as problem:
        raise invalid(f"{value!r} is not a time: {problem}") from problem
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _sort_key(request: Json) -> Callable[[Row], Any]:
    match request.get("SortBy", "CreationTime"):
        case "Name":
            return lambda row: row.name
        case "Status":
            return lambda row: (row.status, row.created)
        case "LastModifiedTime":
            return lambda row: row.modified
        case _:
            return lambda row: row.created


def _start(rows: list[Row], token: str | None) -> int:
    if token is None:
        return 0
    try:
        last = base64.urlsafe_b64decode(token).decode()
        return next(number for number, row in enumerate(rows) if row.name == last) + 1
    except (binascii.Error, UnicodeDecodeError, StopIteration) as problem:
        raise invalid("NextToken is not one that this list has given") from problem
