"""One page of a list, newest first, and the token of the next."""

from __future__ import annotations

from collections.abc import Iterable

from retide.local.errors import ApiError
from retide.local.interfaces import Json

MOST = 100


def page(member: str, rows: Iterable[tuple[str, Json]], request: Json, default: int = MOST) -> Json:
    """`rows` are (id, what is listed); the token is the id of the last row that was given."""
    listed = list(rows)
    start = _start([name for name, _ in listed], request.get("nextToken"))
    end = start + request.get("maxResults", default)
    answer: Json = {member: [row for _, row in listed[start:end]]}
    return answer | ({"nextToken": listed[end - 1][0]} if end < len(listed) else {})


def _start(names: list[str], token: str | None) -> int:
    if token is None:
        return 0
    if token not in names:
        raise ApiError("InvalidNextTokenException", "The nextToken is not one that this list has given")
    return names.index(token) + 1
