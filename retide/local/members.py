"""Refuses, by their names, the members of a request that a service of ours would have to ignore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from retide.local.errors import not_supported
from retide.local.interfaces import Json

Refused = Mapping[str, tuple[str, ...]]
"""By operation: dotted paths, "[]" for each member of a list; `path=value` refuses that value only."""


def refuse_unsupported(refused: Refused, operation: str, request: Json, folder: str) -> None:
    """Raise NotSupportedByLocalCloud for the first member that is refused."""
    for rule in refused.get(operation, ()):
        path, _, value = rule.partition("=")
        for found in _at(request, path.split(".")):
            if not value or str(found) == value:
                raise not_supported(f"{operation} with {path}{f' = {value}' if value else ''}", folder)


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
        return
    name, is_list = path[0].removesuffix("[]"), path[0].endswith("[]")
    found = value.get(name)
    for item in found or () if is_list else (found,):
        if item is not None:
            yield from _at(item, path[1:])
