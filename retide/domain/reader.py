"""Read nested settings and collect every problem with the path to it, so that a person mends a file in one go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: `path` is dotted (`columns.age.min`), `message` says what was seen and what to write instead.

    `where` is the place in the file, when the settings came from one; `offset` counts characters into the text there.
    """

    path: str
    message: str
    where: str = ""
    offset: int = 0

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.message) if part)


class ContractError(ValueError):
    """A contract that cannot be used; `problems` holds every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class Reader:
    """Typed access to one mapping; whatever is missing, of the wrong type or unknown becomes a Problem."""

    def __init__(self, raw: object, path: str = "", problems: list[Problem] | None = None) -> None:
        self._path = path
        self._problems = [] if problems is None else problems
        self._raw: Mapping[Any, Any] = raw if isinstance(raw, Mapping) else {}
        self._asked: set[str] = set()
        if not isinstance(raw, Mapping):
            self._problems.append(Problem(path, f"must be a mapping of names to values, not {_kind(raw)}"))

    def problem(self, name: str, message: str, offset: int = 0) -> None:
        self._problems.append(Problem(self._join(name), message, offset=offset))

    def finish(self) -> None:
        """Refuse what nobody asked for: a misspelt setting must not pass in silence."""
        for name in self._raw:
            if name not in self._asked:
                self.problem(str(name), f"is unknown here; known are {', '.join(sorted(self._asked))}")

    def raise_problems(self) -> None:
        if self._problems:
            raise ContractError(tuple(self._problems))

    def section(self, name: str) -> Reader:
        return Reader(self._get(name, {}), self._join(name), self._problems)

    def sections(self, name: str) -> Iterator[tuple[str, Reader]]:
        section = self.section(name)
        if not section._raw:
            self.problem(name, "is missing or empty")
        for key, value in section._raw.items():
            if not isinstance(key, str):
                section.problem(str(key), f"is named {key!r}, which YAML does not read as text; put it in quotes")
            yield str(key), Reader(value, f"{section._path}.{key}", self._problems)

    def items(self, name: str) -> Iterator[Reader]:
        """A reader for each mapping of a list; its path is `name.0`, `name.1` and so on."""
        value = self._get(name, [])
        if not isinstance(value, list):
            self.problem(name, f"must be a list of mappings, not {_kind(value)}")
            return
        for place, item in enumerate(value):
            yield Reader(item, f"{self._join(name)}.{place}", self._problems)

    def given(self, name: str) -> object:
        """What stands there as it stands there, None where nothing does; the caller checks it."""
        return self._get(name, None)

    def mapping(self, name: str) -> Mapping[str, Any]:
        return dict(self.section(name)._raw)

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        value = self._get(name, default, required=required)
        if isinstance(value, str) or value is None:
            return value or default
        self.problem(name, f"must be text, not {value!r}; put it in quotes")
        return default

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self._get(name, list(default))
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            self.problem(name, f"must be a list of texts, not {_kind(value)}")
            return default
        for item in items:
            if not isinstance(item, str):
                self.problem(name, f"holds {item!r}, which YAML does not read as text; put it in quotes")
        if len({str(item) for item in items}) < len(items):
            self.problem(name, "holds something twice")
        return tuple(str(item) for item in items)

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = str(self._get(name, default, required=default is None))
        if value in allowed:
            return value
        if self._raw.get(name) is not None:
            self.problem(name, f"{value!r} is not one of {', '.join(allowed)}")
        return default or allowed[0]

    def enum[E: StrEnum](self, name: str, kind: type[E], default: E, *, required: bool = False) -> E:
        return kind(self.choice(name, tuple(item.value for item in kind), None if required else default.value))

    def flag(self, name: str, default: bool) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            self.problem(name, f"must be true or false, not {value!r}")
            return default
        return value

    def number(self, name: str, default: float, low: float = -math.inf, high: float = math.inf) -> float:
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.problem(name, f"must be a number, not {value!r}")
            return default
        if not low <= value <= high:
            self.problem(name, f"{value:g} lies outside {low:g} to {high:g}")
        return float(value)

    def count(self, name: str, default: int, low: int = 1, high: int = 2**53) -> int:
        value = self.number(name, default, low, high)
        if value != int(value):
            self.problem(name, f"must be a whole number, not {value:g}")
        return int(value)

    def optional_number(
        self, name: str, default: float | None = None, low: float = -math.inf, high: float = math.inf
    ) -> float | None:
        return None if self._get(name, default) is None else self.number(name, default or 0.0, low, high)

    def optional_count(self, name: str) -> int | None:
        return None if self._get(name, None) is None else self.count(name, 1)

    def _get(self, name: str, default: Any, *, required: bool = False) -> Any:
        self._asked.add(name)
        if required and self._raw.get(name) is None:
            self.problem(name, "is missing")
        return self._raw.get(name, default)

    def _join(self, name: str) -> str:
        return ".".join(part for part in (self._path, name) if part)


def _kind(value: object) -> str:
    names = {
        str: "text",
        list: "a list",
        type(None): "nothing",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), type(value).__name__)
