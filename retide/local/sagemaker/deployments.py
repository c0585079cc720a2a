"""Deploys a configuration beside the fleet that serves: moves traffic, watches alarms, swaps or goes back."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from retide.local.clock import Clock
from retide.local.errors import ApiError
from retide.local.interfaces import Alarms, Json, Settings
from retide.local.processes import Registry
from retide.local.sagemaker.buckets import Buckets
from retide.local.sagemaker.endpointlogs import EndpointLogs
from retide.local.sagemaker.fleets import Fleet, Followed
from retide.local.sagemaker.guardrails import Plan
from retide.local.sagemaker.hosting import HostingFailed, Server
from retide.local.sagemaker.named import Named

logger = logging.getLogger("retide.local.sagemaker")
BETWEEN_LOOKS: Final = 0.02  # seconds of this machine, at alarms while a step is watched


@dataclass(slots=True)
class Endpoint:
    """`fleet` serves; `coming` is deployed beside it and serves a `share` of the invocations. Changed under the lock.

    `stage` is what AWS calls the status of the coming variants; `pending` the configuration that they come from.
    """

    name: str
    arn: str
    config: str
    created: datetime
    modified: datetime
    status: str = "Creating"
    failure: str | None = None
    fleet: Fleet | None = None
    coming: Fleet | None = None
    share: float = 0.0
    stage: str = "Creating"
    staged: datetime | None = None
    begun: datetime | None = None
    pending: Named | None = None
    deployment: Json | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)


@dataclass(frozen=True, slots=True)
class Hosting:
    """What deploying a fleet needs."""

    settings: Settings
    registry: Registry
    buckets: Buckets
    alarms: Alarms
    logs: EndpointLogs


@dataclass(frozen=True, slots=True)
class Deployment:
    """What becomes of one endpoint; `models` are the models of all variants, by the variants' names."""

    endpoint: Endpoint
    config: Named
    models: dict[str, Json]
    plan: Plan


class RolledBack(Exception):
    """The new fleet is given up while the old one serves; the message is the endpoint's FailureReason."""


Move = Callable[[Endpoint, str, str | None], None]
"""The endpoint enters a status, with the reason where there is one; called under its lock."""


class Deployments:
    """Runs deployments, each in a thread of its own."""

    def __init__(self, hosting: Hosting, move: Move) -> None:
        self._hosting = hosting
        self._move = move
        self._numbers = itertools.count(1)

    @property
    def _clock(self) -> Clock:
        return self._hosting.settings.clock

    def start(self, deployment: Deployment) -> None:
        endpoint = deployment.endpoint
        with endpoint.lock:
            endpoint.pending, endpoint.begun = deployment.config, self._clock.now()
            self._stage(endpoint, "Creating")
        threading.Thread(target=self._run, args=(deployment,), name=f"endpoint-{endpoint.name}", daemon=True).start()

    def _run(self, deployment: Deployment) -> None:
        fleet: Fleet | None = None
        try:
            fleet = self._fleet(deployment)
            _begin(deployment.endpoint, fleet)
            fleet.start(deployment.models, self._hosting.buckets)
            self._shift(deployment)
        except (HostingFailed, RolledBack, ApiError, OSError) as problem:
            logger.warning("endpoint %s: %s", deployment.endpoint.name, problem)
            self._give_up(deployment.endpoint, fleet, str(problem))
            return
        self._swap(deployment, fleet)

    def _fleet(self, deployment: Deployment) -> Fleet:
        settings, request = self._hosting.settings, deployment.config.request
        root = settings.home / "sagemaker" / "endpoints" / deployment.endpoint.name / str(next(self._numbers))
        variants = [*request["ProductionVariants"], *request.get("ShadowProductionVariants", ())]
        servers = {
            variant["VariantName"]: Server(settings, self._hosting.registry, variant, root / variant["VariantName"])
            for variant in variants
        }
        return Fleet(servers, request, Followed(self._hosting.logs, deployment.endpoint.name))

    def _shift(self, deployment: Deployment) -> None:
        """Raises RolledBack when an alarm goes off, or when the time is over."""
        endpoint, plan = deployment.endpoint, deployment.plan
        if endpoint.fleet is None:
            return  # nothing serves yet: there is no traffic to move, and nowhere to go back to
        end = self._clock.seconds() + plan.limit
        for step in plan.steps:
            with endpoint.lock:
                self._stage(endpoint, "ActivatingTraffic")
                endpoint.share = step.share
                until = self._clock.seconds() + step.seconds  # before anybody sees it bake, and moves the clock
                self._stage(endpoint, "Baking")
            self._watch(endpoint, plan, until, end)
        self._watch(endpoint, plan, self._clock.seconds() + plan.wait, end)

    def _watch(self, endpoint: Endpoint, plan: Plan, until: float, end: float) -> None:
        """Until this moment of the cloud's clock; an alarm is looked at again when it has come."""
        while endpoint.status == "Updating":
            over = self._clock.seconds() >= until
            self._check(plan, end)
            if over:
                break
            time.sleep(BETWEEN_LOOKS)

    def _check(self, plan: Plan, end: float) -> None:
        ringing = [name for name in plan.alarms if self._hosting.alarms.alarm_state(name) == "ALARM"]
        if ringing:
            raise RolledBack(f"One or more configured alarm(s) went into ALARM state: [{', '.join(ringing)}]")
        if self._clock.seconds() > end:
            raise RolledBack(f"The deployment did not complete within {plan.limit:g} seconds")

    def _swap(self, deployment: Deployment, fleet: Fleet) -> None:
        """The new fleet serves from here on; the old one finishes what it has begun."""
        endpoint = deployment.endpoint
        with endpoint.lock:
            wanted = endpoint.status != "Deleting"
            old = endpoint.fleet if wanted else fleet
            if wanted:
                endpoint.fleet, endpoint.config = fleet, deployment.config.name
                self._end(endpoint, "InService", None)
        if old is not None:
            old.drain()

    def _give_up(self, endpoint: Endpoint, fleet: Fleet | None, reason: str) -> None:
        """As AWS does: a new endpoint has failed, an updated one is back in service with its old configuration."""
        with endpoint.lock:
            endpoint.coming, endpoint.share = None, 0.0
        if fleet is not None:
            fleet.drain()
        with endpoint.lock:
            if endpoint.status != "Deleting":
                self._end(endpoint, "InService" if endpoint.fleet is not None else "Failed", reason)

    def _end(self, endpoint: Endpoint, status: str, reason: str | None) -> None:
        """The caller holds the lock."""
        endpoint.coming, endpoint.share, endpoint.pending = None, 0.0, None
        self._move(endpoint, status, reason)

    def _stage(self, endpoint: Endpoint, stage: str) -> None:
        """The caller holds the lock."""
        endpoint.stage, endpoint.staged = stage, self._clock.now()


def _begin(endpoint: Endpoint, fleet: Fleet) -> None:
    """From here on whoever deletes the endpoint stops this fleet. Raises HostingFailed where somebody has already."""
    with endpoint.lock:
        if endpoint.status == "Deleting":
            raise HostingFailed("it was deleted before its servers were started")
        endpoint.coming = fleet
