"""Say what is wrong in nested settings, every problem with the path to it, so that a person mends a file in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from retide.domain.names import nearest

SHOWN: Final = 60  # characters
LONG: Final = 1_000  # bits: Python writes out no whole number of thousands of digits


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: `path` is dotted (`columns.age.min`), `message` says what was seen and what to write instead.

    `where` is the place in the file, when the settings came from one; `offset` counts characters into the text there.
    `unquoted` says that the value would do as a text in quotes.
    """

    path: str
    message: str
    where: str = ""
    offset: int = 0
    unquoted: bool = False

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.message) if part)


class ContractError(ValueError):
    """A contract that cannot be used; `problems` holds every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the settings, and where problems are gathered."""

    path: str = ""
    problems: list[Problem] = field(default_factory=list)

    def below(self, name: str) -> Place:
        return Place(".".join(part for part in (self.path, name) if part), self.problems)

    def problem(self, message: str, offset: int = 0, *, unquoted: bool = False) -> None:
        self.problems.append(Problem(self.path, message, offset=offset, unquoted=unquoted))


def shown(value: object) -> str:
    """The beginning of a plain value, and of all others only what they are: a list may refer to itself."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > LONG:
        return "a number of hundreds of digits"
    told = (
        repr(value) if isinstance(value, str | int | float) else str(value) if isinstance(value, date) else kind(value)
    )
    return told if len(told) <= SHOWN else f"{told[:SHOWN]}…"


def kind(value: object) -> str:
    names = {str: "text", list: "a list", dict: "a mapping", type(None): "nothing", bool: "true or false"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def unknown(name: str, known: Mapping[str, object]) -> str:
    near = nearest(name, known)
    return (
        f"is unknown here; did you mean {near}?" if near else f"is unknown here; known are {', '.join(sorted(known))}"
    )


def not_one_of(value: object, allowed: list[str], otherwise: str = "") -> str:
    near = nearest(value, allowed) if isinstance(value, str) else ""
    hint = f"; did you mean {near}?" if near else f": {otherwise}" if otherwise else ""
    told = shown(value) if isinstance(value, str | int | float) else kind(value)
    return f"{told} is not one of {', '.join(map(_choice, allowed))}{hint}"


def _choice(value: str) -> str:
    """A sign that is no word stands in quotes, for among commas and blanks nobody could tell it."""
    return value if any(character.isalnum() for character in value) else repr(value)
