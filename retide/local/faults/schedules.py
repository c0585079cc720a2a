"""Schedules, fired on request: those of EventBridge Scheduler, and rules that have a schedule."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ministack.core import responses
from ministack.services import eventbridge, scheduler

from retide.local.interfaces import Json


@dataclass(frozen=True, slots=True)
class _Scheduled:
    name: str
    account: str
    region: str
    entry: Json
    targets: tuple[Json, ...]
    source: str


def names() -> list[str]:
    return sorted(found.name for found in _all())


def fire(name: str) -> str:
    """Fire the one enabled schedule whose name is, or contains, `name`; its whole name. Raises ValueError."""
    found = [scheduled for scheduled in _all() if scheduled.name == name]
    found = found or [scheduled for scheduled in _all() if name and name in scheduled.name]
    if len(found) != 1:
        raise ValueError(f"{len(found)} schedules are called {name!r}; there are {', '.join(names()) or 'none'}")
    if found[0].entry.get("State") != "ENABLED":
        raise ValueError(f"the schedule {found[0].name} is {found[0].entry.get('State')}: enable it first")
    _fire(found[0])
    return found[0].name


def _fire(scheduled: _Scheduled) -> None:
    with responses.request_scope(scheduled.account, scheduled.region):
        event = {
            "EventId": responses.new_uuid(),
            "Source": scheduled.source,
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "EventBusName": "default",
            "Time": int(time.time()),
            "Resources": [scheduled.entry["Arn"]],
            "Account": scheduled.account,
            "Region": scheduled.region,
        }
        for target in scheduled.targets:
            eventbridge._invoke_target(target, event, scheduled.entry)


def _all() -> Iterator[_Scheduled]:
    for (account, region, _), entry in list(scheduler._schedules._data.items()):
        yield _Scheduled(entry["Name"], account, region, entry, (entry["Target"],), "aws.scheduler")
    for (account, region, key), rule in list(eventbridge._rules._data.items()):
        if rule.get("ScheduleExpression"):
            targets = tuple(eventbridge._targets._data.get((account, region, key), ()))
            yield _Scheduled(rule["Name"], account, region, rule, targets, "aws.events")
