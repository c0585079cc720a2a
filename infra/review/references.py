"""Which resources of its own stack a piece of a template refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def references(value: Any) -> Iterator[str]:
    """Logical ids, in the order in which they stand."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "Ref" and isinstance(inner, str):
                yield inner
            elif name == "Fn::GetAtt" and isinstance(inner, list):
                yield str(inner[0])
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
