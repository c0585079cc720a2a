"""The kinds of settings that only a contract has: severities by rule, uniqueness, and the parameters of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from retide.domain.reader import Place, shown, unknown
from retide.domain.settings import Choice, Number, Schema, is_finite
from retide.domain.severity import NO_ROWS, Scope, Severity

# Only the shape of a type of instance: which there are is SageMaker's to know.
INSTANCE: Final = r"^ml\.[a-z0-9-]+\.[a-z0-9]+(?![\s\S])"
MOST_PARAMS: Final = 10_000
DEEPEST_PARAMS: Final = 10


@dataclass(frozen=True, slots=True)
class Severities:
    """A severity for each rule; a single word is said of every rule that can have it."""

    says: str
    allowed: Mapping[str, tuple[Severity, ...]]
    fallback: Mapping[str, Severity] = field(default_factory=dict)

    def read(self, value: object, at: Place) -> Mapping[str, Severity]:
        if isinstance(value, Mapping):
            return {str(rule): self._of(rule, said, at.below(str(rule))) for rule, said in value.items()}
        word = Choice(self.says, tuple(Severity)).read(value, at)
        return {rule: word for rule, can in self.allowed.items() if word in can}

    def _of(self, rule: object, said: object, at: Place) -> Severity:
        if rule not in self.allowed:
            at.problem(unknown(str(rule), self.allowed))
            return Severity.REFUSE
        can = self.allowed[str(rule)]
        lacking = next((word for word in Severity if word not in can), Severity.REFUSE)
        return Choice(self.says, can, NOT_FOR_RULE[lacking]).read(said, at)

    def schema(self) -> Schema:
        by_rule = {rule: {"enum": [word.value for word in can]} for rule, can in self.allowed.items()}
        return {
            "anyOf": [
                {"enum": [word.value for word in Severity]},
                {"type": "object", "properties": by_rule, "additionalProperties": False},
            ]
        }


NOT_FOR_RULE: Final[Mapping[Severity, str]] = {
    Severity.REFUSE: "",
    Severity.QUARANTINE: NO_ROWS,
    Severity.WARN: "such a value cannot be kept as it is; `nullable: true` lets it be missing",
}


@dataclass(frozen=True, slots=True)
class NumberOr[E: StrEnum]:
    """A number, or one of a few words."""

    says: str
    number: Number
    words: tuple[E, ...]

    @property
    def fallback(self) -> float:
        return self.number.fallback

    def read(self, value: object, at: Place) -> E | float:
        if isinstance(value, str):
            return Choice(self.says, self.words, "a number will do as well").read(value, at)
        return self.number.read(value, at)

    def schema(self) -> Schema:
        return {"anyOf": [self.number.schema(), {"enum": [word.value for word in self.words]}]}


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """True stands for one object."""

    says: str
    fallback: Scope | None = None

    def read(self, value: object, at: Place) -> Scope | None:
        if isinstance(value, bool):
            return Scope.OBJECT if value else None
        return Choice(self.says, tuple(Scope), "true and false will do as well").read(value, at)

    def schema(self) -> Schema:
        return {"enum": [True, False, *(scope.value for scope in Scope)]}


@dataclass(frozen=True, slots=True)
class Params:
    """Whatever JSON can say, of a bounded size."""

    says: str
    fallback: Mapping[str, Any] = field(default_factory=dict)

    def read(self, value: object, at: Place) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            at.problem(f"must be a mapping of names to values, not {shown(value)}")
            return self.fallback
        before, waiting, count = len(at.problems), [(value, at, 0)], 0
        while waiting and count <= MOST_PARAMS:
            seen, place, depth = waiting.pop()
            count += 1
            waiting += [(inner, there, depth + 1) for inner, there in _inside(seen, place, depth)]
        if waiting:
            at.problem(f"holds more than {MOST_PARAMS:,} values")
        return self.fallback if len(at.problems) > before else dict(value)

    def schema(self) -> Schema:
        return {"type": "object"}


def _inside(value: Any, at: Place, depth: int) -> list[tuple[Any, Place]]:
    """What a value is made of; anything that is no JSON is a problem."""
    if depth > DEEPEST_PARAMS:
        at.problem(f"is nested more than {DEEPEST_PARAMS} deep")
    elif isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                at.below(shown(name)).problem("is no name that JSON can hold; put it in quotes", unquoted=True)
        return [(inner, at.below(str(name))) for name, inner in value.items() if isinstance(name, str)]
    elif isinstance(value, list):
        return [(inner, at.below(str(place))) for place, inner in enumerate(value)]
    elif not (value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and is_finite(value))):
        at.problem(f"is {shown(value)}, which JSON cannot hold; put it in quotes", unquoted=True)
    return []
