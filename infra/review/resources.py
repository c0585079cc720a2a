"""What a change does to the resources of a stage: added, changed, replaced, taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Any, Final

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # type: ignore[import-untyped]

from infra.review.intrinsics import text
from infra.review.templates import Assembly, Json, Place

REGION: Final = "us-east-1"  # the schemas hardly differ, and what may be replaced does not
KEPT: Final = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})
LONGEST: Final = 160
CONTEXT: Final = 40  # letters before the place where two long values part


class Effect(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    KEPT = "leaves the stack, but is kept"
    REPLACED = "REPLACED"
    MAYBE_REPLACED = "may be replaced"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property by its path; `before` and `after` are whole, and empty where it was not, or is no longer."""

    path: str
    before: str
    after: str

    def shown(self) -> tuple[str, str]:
        """Both values, the long ones from where they part."""
        alike = takewhile(lambda letters: letters[0] == letters[1], zip(self.before, self.after, strict=False))
        parted = sum(1 for _ in alike)
        return _from(self.before, parted), _from(self.after, parted)


@dataclass(frozen=True, slots=True)
class Change:
    place: Place
    effect: Effect
    differences: tuple[Difference, ...] = ()


def changes(base: Assembly, head: Assembly) -> list[Change]:
    """Sorted by stack and path, as a person looks for them."""
    before, after = dict(base.resources()), dict(head.resources())
    found = [_change(place, before.get(place), after.get(place)) for place in {**before, **after}]
    return sorted((one for one in found if one), key=lambda one: (one.place.stack, str(one.place)))


def _change(place: Place, before: Json | None, after: Json | None) -> Change | None:
    if before is None:
        return Change(place, Effect.ADDED)
    if after is None:
        return Change(place, Effect.KEPT if before.get("DeletionPolicy") in KEPT else Effect.REMOVED)
    differences = tuple(_differences("", _meant(before), _meant(after)))
    return Change(place, _effect(place.kind, differences), differences) if differences else None


def _meant(resource: Json) -> dict[str, Any]:
    """Without the CDK's notes for itself; policies that say what becomes of data do count."""
    policies = {name: resource[name] for name in ("DeletionPolicy", "UpdateReplacePolicy") if name in resource}
    return {**resource.get("Properties", {}), **policies}


def _differences(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if _is_open(before) and _is_open(after):
        for name in sorted({*before, *after}):
            yield from _differences(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}[{number}]", one, other)
    else:
        yield Difference(path, _told(before), _told(after))


def _is_open(value: Any) -> bool:
    """A mapping of properties, which an intrinsic function is not."""
    return isinstance(value, Mapping) and not any(name == "Ref" or name.startswith("Fn::") for name in value)


def _told(value: Any) -> str:
    return "" if value is None else " ".join(text(value).split())


def _from(value: str, place: int) -> str:
    start = max(0, place - CONTEXT) if len(value) > LONGEST else 0
    end = start + LONGEST
    return f"{'…' if start else ''}{value[start:end]}{'…' if len(value) > end else ''}"


def _effect(kind: str, differences: tuple[Difference, ...]) -> Effect:
    always, sometimes = _create_only(kind)
    if any(_touches(one.path, always) for one in differences):
        return Effect.REPLACED
    return Effect.MAYBE_REPLACED if any(_touches(one.path, sometimes) for one in differences) else Effect.CHANGED


def _create_only(kind: str) -> tuple[frozenset[str], frozenset[str]]:
    """By AWS's own schema of the type: properties that never change in place, and those that do so only at times."""
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return frozenset({"ServiceToken"}), frozenset()
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return frozenset(), frozenset()
    always, sometimes = (schema.get(name, []) for name in ("createOnlyProperties", "conditionalCreateOnlyProperties"))
    return frozenset(map(_path, always)), frozenset(map(_path, sometimes))


def _path(pointer: str) -> str:
    return pointer.removeprefix("/properties/").replace("/", ".")


def _touches(path: str, properties: frozenset[str]) -> bool:
    return any(
        path == one or path.startswith((f"{one}.", f"{one}[")) or one.startswith(f"{path}.") for one in properties
    )
