"""IAM's conditions, and whether one set of them can only hold where another does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.review.intrinsics import listed, text
from infra.review.patterns import covers

IF_EXISTS: Final = "ifexists"
# With these, any one of the values suffices: fewer values, or narrower ones, are a narrower condition.
ANY_OF: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnlike", "bool", "numericequals", "ipaddress"}
)
# With these, none of the values may hold: more values are a narrower condition.
NONE_OF: Final = frozenset(
    {"stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotlike", "numericnotequals", "notipaddress"}
)
PATTERNS: Final = frozenset({"stringlike", "arnlike", "stringnotlike", "arnnotlike"})
SAME: Final = {"arnequals": "arnlike", "arnnotequals": "arnnotlike"}  # AWS gives them one meaning


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One operator on one key; `scope` is ForAllValues, ForAnyValue or nothing. All lower case but the values."""

    scope: str
    operator: str
    if_exists: bool
    key: str
    values: tuple[str, ...]

    def implies(self, wide: Condition) -> bool:
        """Whether `wide` holds wherever this does: sound, and strict where it cannot tell."""
        if (self.scope, self.key) != (wide.scope, wide.key) or (self.if_exists and not wide.if_exists):
            return False
        if (self.operator, wide.operator) not in ((wide.operator, wide.operator), ("stringequals", "stringlike")):
            return False
        if wide.operator in ANY_OF:
            return all(any(_within(wide, value, mine) for value in wide.values) for mine in self.values)
        if wide.operator in NONE_OF:
            return all(any(_within(wide, mine, value) for mine in self.values) for value in wide.values)
        return self.values == wide.values

    def __str__(self) -> str:
        operator = f"{self.scope}:{self.operator}" if self.scope else self.operator
        return f"{self.key} {operator}{' if it exists' if self.if_exists else ''} {', '.join(self.values)}"


@dataclass(frozen=True, slots=True, order=True)
class Conditions:
    """All of them must hold; none at all always does."""

    all: tuple[Condition, ...] = ()

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Conditions:
        found = {
            _condition(str(operator), str(key), values)
            for operator, keys in raw.items()
            for key, values in keys.items()
        }
        return cls(tuple(sorted(found)))

    def imply(self, wide: Conditions) -> bool:
        return all(any(mine.implies(theirs) for mine in self.all) for theirs in wide.all)

    def __str__(self) -> str:
        return "; ".join(str(condition) for condition in self.all)


def _condition(operator: str, key: str, values: Any) -> Condition:
    scope, _, bare = operator.lower().rpartition(":")
    name = bare.removesuffix(IF_EXISTS)
    plain = tuple(sorted({text(value) for value in listed(values)}))
    return Condition(scope, SAME.get(name, name), name != bare, key.lower(), plain)


def _within(condition: Condition, wide: str, narrow: str) -> bool:
    return covers(wide, narrow) if condition.operator in PATTERNS else wide == narrow
