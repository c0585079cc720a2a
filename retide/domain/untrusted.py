"""Read fields of a message that anybody may have sent: what is there is checked, what is wrong is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

TEXT_LIMIT: Final = 2048  # bytes: no name or ARN is longer, and what is longer has no place in the ledger
SHOWN: Final = 100


class UnknownMessage(ValueError):
    """A message that nobody here understands; the text says why, in words for the refusal's record."""


def mapping(raw: object, where: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise UnknownMessage(f"{where} must be a JSON object, not {shown(raw)}")
    return raw


def text(raw: Mapping[str, Any], name: str, where: str, limit: int = TEXT_LIMIT) -> str:
    """Text that can be stored: as UTF-8 (JSON may hold half of a character), and of at most `limit` bytes."""
    value, path = raw.get(name), f"{where}.{name}" if where else name
    if not isinstance(value, str) or not value:
        raise UnknownMessage(f"{path} must be text, not {shown(value)}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise UnknownMessage(f"{path} is not valid Unicode: {shown(value)}") from None
    if size > limit:
        raise UnknownMessage(f"{path} has {size} bytes, more than {limit}: {shown(value)}")
    return value


def optional_text(raw: Mapping[str, Any], name: str, where: str) -> str | None:
    return None if raw.get(name) is None else text(raw, name, where)


def shown(value: object) -> str:
    """The beginning of anything, as it may stand in a sentence."""
    told = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return told if len(told) <= SHOWN else f"{told[:SHOWN]}…"
