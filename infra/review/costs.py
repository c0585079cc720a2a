"""What a stage costs at rest, by the retrain and by the thousand predictions: list prices times stated assumptions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.review.intrinsics import text
from infra.review.references import references
from infra.review.templates import Assembly, Json, Place

FILE: Final = Path(__file__).parent / "prices.json"
RATE: Final = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
MINUTES: Final = {"minute": 1, "hour": 60, "day": 1440}
SCHEDULED: Final = ("AWS::Events::Rule", "AWS::Scheduler::Schedule")
BY_THE_MONTH: Final = {
    "AWS::KMS::Key": "kms_key_month",
    "AWS::SecretsManager::Secret": "secret_month",
    "AWS::CloudWatch::Dashboard": "dashboard_month",
}


@dataclass(frozen=True, slots=True)
class Prices:
    """`prices` and `instances` (by the hour) in USD; `assumptions` are seconds and counts."""

    region: str
    as_of: str
    note: str
    prices: Mapping[str, float]
    instances: Mapping[str, float]
    assumptions: Mapping[str, float]

    @classmethod
    def load(cls) -> Prices:
        raw = json.loads(FILE.read_text(encoding="utf-8"))
        prices = {name: price["usd"] for name, price in raw["prices"].items()}
        instances = raw["instances"]["usd_per_hour"]
        return cls(raw["region"], raw["as_of"], raw["note"], prices, instances, raw["assumptions"])

    def invocation(self, gib: float) -> float:
        """One run of a function."""
        return self.prices["lambda_request"] + gib * self.assumptions["step_seconds"] * self.prices["lambda_gib_second"]


@dataclass(frozen=True, slots=True)
class Cost:
    """One line: `usd` is None where no price is known, which is said rather than taken for nothing."""

    unit: str
    what: str
    usd: float | None


@dataclass(frozen=True, slots=True)
class CostChange:
    """`before` and `after` are None where there is no such line, or no price for it."""

    unit: str
    what: str
    before: float | None
    after: float | None


IDLE: Final = "a month at rest"
RETRAIN: Final = "a retrain"
PREDICTIONS: Final = "1,000 predictions"


def costs(assembly: Assembly, models: Mapping[str, Json], prices: Prices) -> list[Cost]:
    """Of one stage; `models` are contracts as the catalogue has them."""
    lines = [Cost(IDLE, what, usd) for what, usd in _idle(assembly, prices)]
    run = sum(_run(assembly, prices))
    for model, contract in sorted(models.items()):
        jobs = _jobs(contract, prices)
        lines.append(Cost(RETRAIN, model, None if jobs is None else jobs + run))
        lines.append(Cost(PREDICTIONS, model, _predictions(contract, prices)))
    return lines


def cost_changes(base: list[Cost], head: list[Cost]) -> list[CostChange]:
    """Only what differs by more than one in a hundred: the rest is no reason to think about it."""
    before, after = ({(one.unit, one.what): one.usd for one in side} for side in (base, head))
    changed = (CostChange(*key, before.get(key), after.get(key)) for key in {**before, **after})
    return [one for one in changed if _differs(one.before, one.after)]


def _differs(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(before - after) > 0.01 * max(before, after)


def _idle(assembly: Assembly, prices: Prices) -> Iterator[tuple[str, float]]:
    for place, resource in assembly.resources():
        properties = resource.get("Properties", {})
        if place.kind in BY_THE_MONTH:
            yield str(place), prices.prices[BY_THE_MONTH[place.kind]]
        elif place.kind == "AWS::CloudWatch::Alarm":
            yield str(place), _metrics(properties) * prices.prices["alarm_metric_month"]
        elif place.kind == "AWS::Lambda::EventSourceMapping" and _polls(assembly, place.stack, properties):
            yield f"{place} (polling)", prices.assumptions["polls_per_month"] * prices.prices["sqs_request"]
        elif place.kind in SCHEDULED and "ScheduleExpression" in properties:
            yield str(place), _schedule(assembly, place, properties, prices)


def _polls(assembly: Assembly, stack: str, properties: Json) -> bool:
    """Lambda asks a queue without end; a table's stream costs nothing to ask."""
    source = properties.get("EventSourceArn")
    resources = assembly.stacks[stack]["Resources"]
    kinds = {resources.get(name, {}).get("Type") for name in references(source)}
    return "AWS::SQS::Queue" in kinds or ":sqs:" in text(source)


def _metrics(alarm: Json) -> int:
    """An alarm over an expression costs as many as the metrics that it reads."""
    return max(1, sum("MetricStat" in query for query in alarm.get("Metrics", [])))


def _schedule(assembly: Assembly, place: Place, properties: Json, prices: Prices) -> float:
    """A schedule that is not at a rate is taken for one a day."""
    found = RATE.fullmatch(str(properties["ScheduleExpression"]))
    minutes = int(found[1]) * MINUTES[found[2]] if found else MINUTES["day"]
    each = sum(prices.invocation(gib) for gib in _functions(assembly, place.stack, properties))
    return prices.assumptions["minutes_per_month"] / minutes * (prices.prices["scheduler_invocation"] + each)


def _run(assembly: Assembly, prices: Prices) -> Iterator[float]:
    """Every state of every machine once, and every function that a machine calls once."""
    for place, resource in assembly.resources():
        if place.kind == "AWS::StepFunctions::StateMachine":
            definition = json.dumps(resource["Properties"].get("DefinitionString", ""))
            yield len(re.findall(r'Type\\+"', definition)) * prices.prices["state_transition"]
            for gib in _functions(assembly, place.stack, resource["Properties"]):
                yield prices.invocation(gib)


def _functions(assembly: Assembly, stack: str, value: Any) -> Iterator[float]:
    """The memory, in GiB, of the functions that something refers to."""
    resources = assembly.stacks[stack]["Resources"]
    for name in sorted(set(references(value))):
        if resources.get(name, {}).get("Type") == "AWS::Lambda::Function":
            yield resources[name]["Properties"].get("MemorySize", 128) / 1024


def _jobs(contract: Json, prices: Prices) -> float | None:
    """A training job, and a processing job of the same kind that evaluates."""
    hourly = prices.instances.get(contract["training"]["instance_type"])
    return None if hourly is None else 2 * hourly * prices.assumptions["job_seconds"] / 3600


def _predictions(contract: Json, prices: Prices) -> float:
    gib = float(contract["serving"]["memory_mib"]) / 1024
    return 1000 * gib * prices.assumptions["prediction_seconds"] * prices.prices["serverless_gib_second"]
