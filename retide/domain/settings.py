"""The kinds of plain settings: each reads a value, and says the same to an editor as JSON Schema."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from retide.domain.reader import Place, not_one_of, shown

type Schema = dict[str, Any]

LARGEST: Final = 2**53


class Setting(Protocol):
    """How one setting is read. `read` gives `fallback` for what it refuses, so that the rest is looked at as well."""

    @property
    def says(self) -> str:
        """What the setting means, for an editor."""

    @property
    def fallback(self) -> Any:
        """Stands for a value that is missing or wrong, where there is no default."""

    def read(self, value: object, at: Place) -> Any:
        """The value as the contract holds it; what is wrong with it becomes a problem of the place."""

    def schema(self) -> Schema:
        """JSON Schema of exactly what `read` takes without a problem."""


@dataclass(frozen=True, slots=True)
class Number:
    says: str
    low: float = -math.inf
    high: float = math.inf
    fallback: float = 0.0

    def read(self, value: object, at: Place) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
            at.problem(f"must be a number, not {shown(value)}")
            return self.fallback
        if not self.low <= value <= self.high:
            at.problem(f"{shown(value)} lies outside {self._bounds()}")
        return float(value)

    def _bounds(self) -> str:
        return f"{self.low:.10g} to {self.high:.10g}" if self.high < math.inf else f"{self.low:.10g} and more"

    def schema(self) -> Schema:
        bounds = {"minimum": self.low, "maximum": self.high}
        return {"type": "number"} | {name: value for name, value in bounds.items() if math.isfinite(value)}


@dataclass(frozen=True, slots=True)
class Count:
    says: str
    low: int = 1
    high: int = LARGEST
    fallback: int = 1

    def read(self, value: object, at: Place) -> int:
        before = len(at.problems)
        number = Number(self.says, self.low, self.high).read(value, at)
        if len(at.problems) > before:
            return self.fallback
        if number != int(number):
            at.problem(f"must be a whole number, not {number:g}")
        return int(number)

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Flag:
    says: str
    fallback: bool = False

    def read(self, value: object, at: Place) -> bool:
        if not isinstance(value, bool):
            at.problem(f"must be true or false, not {shown(value)}")
            return self.fallback
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Text:
    """Of a `pattern` that Python and editors understand alike: text that matches is a `noun`, `like` is one."""

    says: str
    least: int = 1
    pattern: str = ""
    noun: str = ""
    like: str = ""
    among: tuple[str, ...] = ()
    fallback: str = ""

    def read(self, value: object, at: Place) -> str:
        if not isinstance(value, str):
            at.problem(f"must be text, not {shown(value)}; put it in quotes", unquoted=True)
            return self.fallback
        if len(value) < self.least:
            at.problem("is empty")
        elif self.among and value not in self.among:
            at.problem(not_one_of(value, list(self.among)))
        elif self.pattern and not re.search(self.pattern, value):
            at.problem(f"{shown(value)} is no {self.noun}; one looks like {self.like}")
        return value

    def schema(self) -> Schema:
        if self.among:
            return {"enum": list(self.among)}
        return {"type": "string", "minLength": self.least} | ({"pattern": self.pattern} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class Texts:
    """A single text stands for a list of one."""

    says: str
    least: int = 0
    fallback: tuple[str, ...] = ()

    def read(self, value: object, at: Place) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            at.problem(f"must be a list of texts, not {shown(value)}")
            return self.fallback
        if len(items) < self.least:
            at.problem("is empty")
        for place, item in enumerate(items):
            if not isinstance(item, str):
                there = at.below(str(place))
                there.problem(f"is {shown(item)}, which YAML does not read as text; put it in quotes", unquoted=True)
        return self._each_once([item for item in items if isinstance(item, str)], at)

    def _each_once(self, items: list[str], at: Place) -> tuple[str, ...]:
        seen: set[str] = set()
        for item in items:
            if item in seen:
                at.problem(f"holds {shown(item)} twice")
            seen.add(item)
        return tuple(items)

    def schema(self) -> Schema:
        items = {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": self.least}
        return {"anyOf": [{"type": "string"}, items]}


@dataclass(frozen=True, slots=True)
class Choice[E: StrEnum]:
    says: str
    allowed: tuple[E, ...]
    otherwise: str = ""  # what to do where another member of the enumeration is given

    @property
    def fallback(self) -> E:
        return self.allowed[0]

    def read(self, value: object, at: Place) -> E:
        for member in self.allowed:
            if value == member.value:
                return member
        at.problem(not_one_of(value, [member.value for member in self.allowed], self.otherwise))
        return self.fallback

    def schema(self) -> Schema:
        return {"enum": [member.value for member in self.allowed]}


@dataclass(frozen=True, slots=True)
class Size:
    """One of a few whole numbers."""

    says: str
    allowed: tuple[int, ...]

    @property
    def fallback(self) -> int:
        return self.allowed[0]

    def read(self, value: object, at: Place) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in self.allowed:
            at.problem(not_one_of(value, [str(size) for size in self.allowed]))
            return self.fallback
        return int(value)

    def schema(self) -> Schema:
        return {"enum": list(self.allowed)}


def is_finite(value: float) -> bool:
    """Whole numbers may be beyond all that floating point can say."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
