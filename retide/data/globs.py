"""Patterns of fixed length as GLOB, which takes DuckDB half the time of a regular expression and says the same."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 64
_STEP: Final = re.compile(
    r"(?P<one>\[(?:[A-Za-z0-9](?:-[A-Za-z0-9])?)+\]|\\d|[A-Za-z0-9_:;,/=@#%&~<>\"'-])(?:\{(?P<times>[0-9]{1,2})\})?"
)


def glob(pattern: str) -> str | None:
    """None for what GLOB cannot say. What it matches is visible ASCII from end to end: never a blank, nor nothing."""
    place, steps = 0, list[str]()
    while place < len(pattern):
        step = _STEP.match(pattern, place)
        if step is None:
            return None
        one = "[0-9]" if step["one"] == r"\d" else step["one"]
        steps += [one] * int(step["times"] or 1)
        place = step.end()
    return "".join(steps) if 0 < len(steps) <= _LONGEST else None
