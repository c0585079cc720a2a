"""IAM's statements as sets of what they speak of, and whether one speaks of all that another does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from infra.review.conditions import Conditions
from infra.review.intrinsics import listed, text
from infra.review.patterns import covers, overlap

EVERYTHING: Final = "*"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Everything that one pattern matches; or, with `other_than`, everything that none of the patterns does."""

    patterns: tuple[str, ...]
    other_than: bool = False

    def covers(self, narrow: Span) -> bool:
        if not self.other_than:
            return any(covers(mine, EVERYTHING) for mine in self.patterns) or self._covers_patterns_of(narrow)
        if narrow.other_than:
            return all(any(covers(theirs, mine) for theirs in narrow.patterns) for mine in self.patterns)
        return not any(overlap(mine, theirs) for mine, theirs in product(self.patterns, narrow.patterns))

    def folded(self) -> Span:
        """Actions are the same in any case."""
        return Span(tuple(pattern.lower() for pattern in self.patterns), self.other_than)

    def _covers_patterns_of(self, narrow: Span) -> bool:
        if narrow.other_than:
            return False
        return all(any(covers(mine, theirs) for mine in self.patterns) for theirs in narrow.patterns)

    def __str__(self) -> str:
        named = ", ".join(self.patterns)
        return f"everything but {named}" if self.other_than else named


ALL: Final = Span((EVERYTHING,))


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """One action on one resource for one principal (empty in a policy of a role's own), under conditions."""

    allows: bool
    action: Span
    resource: Span
    principal: Span
    conditions: Conditions

    def covers(self, narrow: Permission) -> bool:
        """Whether this says of everything in `narrow` what `narrow` says: sound, and strict where it cannot tell."""
        return (
            self.allows == narrow.allows
            and self.action.folded().covers(narrow.action.folded())
            and self.resource.covers(narrow.resource)
            and self.principal.covers(narrow.principal)
            and narrow.conditions.imply(self.conditions)
        )


def permissions(document: Mapping[str, Any]) -> Iterator[Permission]:
    """Every statement of a policy document, taken apart into its actions, resources and principals."""
    for statement in listed(document.get("Statement", [])):
        if (
            not isinstance(statement, Mapping) or "Effect" not in statement
        ):  # chosen by a condition of the template: compared as it is written
            yield Permission(True, Span((text(statement),)), ALL, ALL, Conditions())
            continue
        conditions = Conditions.read(statement.get("Condition", {}))
        parts = product(_spans(statement, "Action"), _spans(statement, "Resource"), _principals(statement))
        for action, resource, principal in parts:
            yield Permission(statement["Effect"] == "Allow", action, resource, principal, conditions)


def _spans(statement: Mapping[str, Any], name: str) -> list[Span]:
    """What is not given at all is everything: a trust policy names no resource."""
    if f"Not{name}" in statement:
        return [Span(_sorted(text(value) for value in listed(statement[f"Not{name}"])), other_than=True)]
    return [Span((text(value),)) for value in listed(statement.get(name, EVERYTHING))]


def _principals(statement: Mapping[str, Any]) -> list[Span]:
    if "NotPrincipal" in statement:
        return [Span(_sorted(_named(statement["NotPrincipal"])), other_than=True)]
    return [Span((name,)) for name in _named(statement.get("Principal", EVERYTHING))]


def _named(principal: Any) -> list[str]:
    """`AWS:arn…`, `Service:lambda.amazonaws.com` …; an account's number stands for its root."""
    if not isinstance(principal, Mapping) or not set(principal) <= {"AWS", "Service", "Federated", "CanonicalUser"}:
        return [text(principal)]
    return [_whole(kind, text(value)) for kind, values in principal.items() for value in listed(values)]


def _whole(kind: str, value: str) -> str:
    if kind == "AWS" and value == EVERYTHING:
        return EVERYTHING  # in a resource's policy both mean everybody
    if kind == "AWS" and value.isdigit():
        return f"AWS:arn:aws:iam::{value}:root"
    return f"{kind}:{value}"


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
