"""A change judged as a whole: each stage's resources, permissions and costs, base beside head."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from infra.review.costs import CostChange, Prices, cost_changes, costs
from infra.review.permissions import Broadening, broadenings, narrowings
from infra.review.resources import Change, Difference, Effect, changes
from infra.review.templates import Assembly, Json

ASSET: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Side:
    """Base or head: templates by stage, and the contracts of its models."""

    assemblies: Mapping[str, Assembly]
    models: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Group:
    """Resources of one kind to which the same happens; zips with another digest are told as other code."""

    places: tuple[str, ...]
    kind: str
    effect: Effect
    differences: tuple[Difference, ...]
    other_code: bool


@dataclass(frozen=True, slots=True)
class StageReview:
    """What changes in a stage, or in several that change alike; `carriers` only carry other code than before."""

    stages: tuple[str, ...]
    changes: tuple[Change, ...]
    carriers: tuple[str, ...]
    broadenings: tuple[Broadening, ...]
    narrowings: tuple[Broadening, ...]
    costs: tuple[CostChange, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.carriers or self.broadenings or self.narrowings or self.costs)

    @property
    def risks(self) -> tuple[Change, ...]:
        """What may lose data or interrupt somebody."""
        return tuple(one for one in self.changes if one.effect in RISKY)

    @property
    def groups(self) -> list[Group]:
        grouped: dict[Group, list[str]] = {}
        for one in self.changes:
            told = tuple(difference for difference in one.differences if not _is_asset(difference))
            alike = Group((), one.place.kind, one.effect, told, other_code=told != one.differences)
            grouped.setdefault(alike, []).append(str(one.place))
        return [replace(alike, places=tuple(places)) for alike, places in grouped.items()]


RISKY: Final = (Effect.REMOVED, Effect.REPLACED, Effect.MAYBE_REPLACED)


def reviews(base: Side, head: Side, prices: Prices) -> list[StageReview]:
    """One for each stage that changes; a stage that one side lacks is held against nothing."""
    nothing = Assembly({})
    each = (
        _stage(stage, base.assemblies.get(stage, nothing), head.assemblies.get(stage, nothing), (base, head), prices)
        for stage in {**base.assemblies, **head.assemblies}
    )
    return _merged(one for one in each if not one.is_empty)


def _stage(stage: str, before: Assembly, after: Assembly, sides: tuple[Side, Side], prices: Prices) -> StageReview:
    found = changes(before, after)
    carriers = tuple(str(one.place) for one in found if _only_carries(one))
    base, head = (
        costs(assembly, side.models if _serves(assembly) else {}, prices)
        for assembly, side in zip((before, after), sides, strict=True)
    )
    return StageReview(
        stages=(stage,),
        changes=tuple(one for one in found if not _only_carries(one)),
        carriers=carriers,
        broadenings=tuple(broadenings(before, after)),
        narrowings=tuple(narrowings(before, after)),
        costs=tuple(cost_changes(base, head)),
    )


def _serves(assembly: Assembly) -> bool:
    """Models cost where machines train them; a road has none."""
    return any(place.kind == "AWS::StepFunctions::StateMachine" for place, _ in assembly.resources())


def _only_carries(change: Change) -> bool:
    return bool(change.differences) and all(_is_asset(one) for one in change.differences)


def _is_asset(one: Difference) -> bool:
    """The same but for the digest of a zip."""
    return ASSET.sub("", one.before) == ASSET.sub("", one.after)


def _merged(found: Iterable[StageReview]) -> list[StageReview]:
    """Stages that change alike are told of once."""
    merged: dict[StageReview, tuple[str, ...]] = {}
    for one in found:
        alike = replace(one, stages=())
        merged[alike] = (*merged.get(alike, ()), *one.stages)
    return [replace(alike, stages=stages) for alike, stages in merged.items()]
