"""DeploymentConfig: in which steps traffic moves to the new fleet, how long each is watched, and by which alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from retide.local.errors import invalid
from retide.local.interfaces import Json

SIZES: Final = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
LARGEST: Final = 0.5
SMALLEST_LINEAR: Final = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """The new fleet serves this share of the invocations and is watched for so long."""

    share: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """`wait` is how long the old fleet still stands when the new one serves all; `limit` is for all of it together."""

    steps: tuple[Step, ...]
    wait: float = 0.0
    alarms: tuple[str, ...] = ()
    limit: float = float("inf")


AT_ONCE: Final = Plan((Step(1.0, 0.0),))


def plan(deployment: Json | None, old: list[Json], new: list[Json], known: Callable[[str], bool]) -> Plan:
    """The plan of an update from the `old` variants to the `new` ones. Raises ValidationException.

    `known` says whether there is an alarm of that name.
    """
    if not deployment:
        return AT_ONCE
    if "ServerlessConfig" in new[0]:
        raise invalid("DeploymentConfig is not supported for serverless endpoints: they are updated all at once.")
    policy = deployment.get("BlueGreenUpdatePolicy", {})
    alarms = tuple(alarm["AlarmName"] for alarm in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ()))
    _check_alarms(alarms, known)
    steps = tuple(_steps(policy["TrafficRoutingConfiguration"], new)) if policy else AT_ONCE.steps
    if len(steps) > 1:
        _check_names(old, new)
    made = Plan(
        steps,
        float(policy.get("TerminationWaitInSeconds", 0)),
        alarms,
        float(policy.get("MaximumExecutionTimeoutInSeconds", "inf")),
    )
    _check_limit(made)
    return made


def _steps(routing: Json, variants: list[Json]) -> Iterator[Step]:
    kind, seconds = routing["Type"], float(routing["WaitIntervalInSeconds"])
    _check_members(routing)
    if kind == "CANARY":
        yield Step(_share(routing["CanarySize"], "CanarySize", variants), seconds)
    elif kind == "LINEAR":
        step = _share(routing["LinearStepSize"], "LinearStepSize", variants)
        if step < SMALLEST_LINEAR:
            raise invalid("LinearStepSize must be at least 10% of the variant's total instance count.")
        yield from (Step(number * step, seconds) for number in range(1, _whole_steps(step) + 1))
    yield Step(1.0, seconds)


def _whole_steps(step: float) -> int:
    """How many steps end below the whole: 3 of 30 %, 1 of 50 %."""
    return next(number for number in range(10, -1, -1) if number * step < 1 - 1e-9)


def _check_members(routing: Json) -> None:
    wanted = SIZES.get(routing["Type"])
    for member in SIZES.values():
        if member == wanted and member not in routing:
            raise invalid(f"TrafficRoutingConfiguration of type {routing['Type']} must have {member}.")
        if member != wanted and member in routing:
            raise invalid(f"TrafficRoutingConfiguration of type {routing['Type']} must not have {member}.")


def _share(size: Json, member: str, variants: list[Json]) -> float:
    """As a share of every variant: the smallest of them decides what is too much."""
    instances = min(variant["InitialInstanceCount"] for variant in variants)
    share = float(size["Value"] / (100 if size["Type"] == "CAPACITY_PERCENT" else instances))
    if share > LARGEST:
        raise invalid(
            f"{member} must be at most 50% of the variant's total instance count, which is {instances}: "
            f"{size['Value']} as {size['Type']} is more."
        )
    if instances < 2:
        raise invalid(f"{member} needs a variant of at least 2 instances, not {instances}.")
    return share


def _check_names(old: list[Json], new: list[Json]) -> None:
    names = [sorted(variant["VariantName"] for variant in variants) for variants in (old, new)]
    if names[0] != names[1]:
        raise invalid(
            f"Traffic can be shifted in steps only between the same variants, not from {names[0]} to {names[1]}."
        )


def _check_alarms(alarms: tuple[str, ...], known: Callable[[str], bool]) -> None:
    unknown = [name for name in alarms if not known(name)]
    if unknown:
        raise invalid(f"AutoRollbackConfiguration names alarms that do not exist: {', '.join(unknown)}.")


def _check_limit(made: Plan) -> None:
    waits = sum(step.seconds for step in made.steps) + made.wait
    if waits >= made.limit:
        raise invalid(
            f"MaximumExecutionTimeoutInSeconds ({made.limit:g}) must be larger than all waiting of the deployment "
            f"together ({waits:g})."
        )
