"""The part of JSONPath that AWS's filters know: a member, several members, an element, ranges of elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from retide.local.errors import invalid
from retide.local.interfaces import Json

STEP: Final = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\[(?P<inside>[^\]]+)\]")
QUOTED: Final = re.compile(r"""'([^']*)'|"([^"]*)\"""")
RANGE: Final = re.compile(r"(-?\d+)?:(-?\d+)?")
Selector = str | int | slice


@dataclass(frozen=True, slots=True)
class Path:
    """`steps` are selections one inside the other; a step with several selectors keeps a structure of them."""

    steps: tuple[tuple[Selector, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """Raises ValidationException for what AWS's filters do not know."""
        if not text.startswith("$"):
            raise invalid(f"A filter is a JSONPath that begins with $, not {text!r}")
        steps, at = [], 1
        while at < len(text):
            match = STEP.match(text, at)
            if match is None:
                raise invalid(f"The filter {text!r} has something at character {at + 1} that filters do not know")
            steps.append((match["name"],) if match["name"] else tuple(_selectors(match["inside"], text)))
            at = match.end()
        return cls(tuple(steps))

    def of(self, value: Any) -> Any:
        """Raises KeyError, IndexError or TypeError where the value has no such part."""
        for selectors in self.steps:
            value = _select(value, selectors)
        return value


def _selectors(inside: str, text: str) -> Iterator[Selector]:
    for part in (each.strip() for each in inside.split(",")):
        quoted, ranged = QUOTED.fullmatch(part), RANGE.fullmatch(part)
        if quoted:
            yield quoted[1] if quoted[1] is not None else quoted[2]
        elif ranged:
            yield slice(*(int(end) if end else None for end in ranged.groups()))
        elif re.fullmatch(r"-?\d+", part):
            yield int(part)
        else:
            raise invalid(f"The filter {text!r} has the selector {part!r}, which filters do not know")


def _select(value: Any, selectors: tuple[Selector, ...]) -> Any:
    if isinstance(value, list):
        return _of_list(value, selectors)
    names = [str(selector) for selector in selectors]
    if len(names) == 1:
        return value[names[0]]
    chosen: Json = {name: value[name] for name in names}
    return chosen


def _of_list(value: list[Any], selectors: tuple[Selector, ...]) -> Any:
    if len(selectors) == 1 and not isinstance(selectors[0], slice):
        return value[int(selectors[0])]
    found: list[Any] = []
    for selector in selectors:
        found.extend(value[selector] if isinstance(selector, slice) else [value[int(selector)]])
    return found
