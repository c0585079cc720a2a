"""Which resource runs with which role: permissions also change when a resource is given another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.review.references import references
from infra.review.templates import Assembly, Json, Place


@dataclass(frozen=True, slots=True)
class Worn:
    """A resource and a role that the change gives it; `earlier` are the roles that it had."""

    place: Place
    role: str
    earlier: frozenset[str]


def newly_worn(base: Assembly, head: Assembly) -> Iterator[Worn]:
    """Roles that were there before, now in new hands; a role that is new itself is told of as such."""
    before = dict(_worn(base))
    for place, roles in _worn(head):
        for role in sorted(roles - before.get(place, frozenset())):
            if base.has(place.stack, role.removeprefix("${").removesuffix("}")):
                yield Worn(place, role, before.get(place, frozenset()))


def _worn(assembly: Assembly) -> Iterator[tuple[Place, frozenset[str]]]:
    for place, resource in assembly.resources():
        roles = _roles_of(assembly.stacks[place.stack])
        if not place.kind.startswith("AWS::IAM::"):
            yield (
                place,
                frozenset(f"${{{role}}}" for role in references(resource.get("Properties", {})) if role in roles),
            )


def _roles_of(template: Json) -> frozenset[str]:
    return frozenset(
        logical_id for logical_id, resource in template["Resources"].items() if resource["Type"] == "AWS::IAM::Role"
    )
