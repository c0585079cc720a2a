"""Fleets: the servers of one endpoint configuration, the weights of its variants, and what is under way in them."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from retide.local.interfaces import Json
from retide.local.sagemaker.buckets import Buckets
from retide.local.sagemaker.endpointlogs import EndpointLogs
from retide.local.sagemaker.hosting import INVOCATION_SECONDS, Server


@dataclass(frozen=True, slots=True)
class Followed:
    """Where the servers' logs are copied to: those of this endpoint."""

    logs: EndpointLogs
    endpoint: str


class Fleet:
    """One server for each variant, however many instances it asks for. `request` made the configuration.

    `variants` share the traffic by weight; `shadows` get copies of it and are heard by nobody.
    """

    def __init__(self, servers: Mapping[str, Server], request: Json, followed: Followed | None = None) -> None:
        self._servers = servers
        self._followed = followed
        self.request = request
        self.variants: list[Json] = [dict(variant) for variant in request["ProductionVariants"]]
        self.shadows: list[Json] = request.get("ShadowProductionVariants", [])
        self._idle = threading.Condition()
        self._under_way = 0

    @property
    def serverless(self) -> bool:
        return "ServerlessConfig" in self.variants[0]

    @property
    def under_way(self) -> int:
        """How many invocations have entered and not left."""
        return self._under_way

    def start(self, models: Mapping[str, Json], buckets: Buckets) -> None:
        """Start every variant, all at once. Raises HostingFailed when one does not come up."""
        for name, server in self._servers.items():
            if self._followed:
                self._followed.logs.follow(self._followed.endpoint, name, server.log)
            server.begin(models[name], buckets)
        for server in self._servers.values():
            server.await_ping()

    def variant(self, target: str | None) -> Json | None:
        """The variant that serves an invocation: the one asked for, else one drawn by weight; None if unknown."""
        if target is not None:
            return next((variant for variant in self.variants if variant["VariantName"] == target), None)
        weights = [weight(variant) for variant in self.variants]
        return random.choices(self.variants, weights)[0] if any(weights) else None

    def shadow(self) -> Json | None:
        """The variant that gets a copy of an invocation, drawn by its weight beside the serving variant's."""
        for shadow in self.shadows:
            serving = weight(self.variants[0])
            if serving and random.random() < weight(shadow) / serving:
                return shadow
        return None

    def change(self, wanted: Mapping[str, Json]) -> None:
        """Weights and counts as UpdateEndpointWeightsAndCapacities gives them, by variant."""
        changed = [variant | wanted.get(variant["VariantName"], {}) for variant in self.variants]
        self.variants = changed

    def enter(self) -> None:
        """An invocation begins: until `leave`, the fleet is not drained."""
        with self._idle:
            self._under_way += 1

    def leave(self) -> None:
        with self._idle:
            self._under_way -= 1
            self._idle.notify_all()

    def server(self, name: str) -> Server:
        return self._servers[name]

    def drain(self) -> None:
        """Wait for the invocations under way, then stop."""
        with self._idle:
            self._idle.wait_for(lambda: self._under_way == 0, INVOCATION_SECONDS)
        self.stop()

    def stop(self, *, now: bool = False) -> None:
        for server in self._servers.values():
            server.stop(now=now)
            if self._followed:
                self._followed.logs.leave(server.log)


@contextmanager
def under_way(fleet: Fleet) -> Iterator[Fleet]:
    """For a fleet that was entered already, under the lock of whoever swaps fleets."""
    try:
        yield fleet
    finally:
        fleet.leave()


def weight(variant: Json) -> float:
    return float(variant.get("InitialVariantWeight", 1.0))
