"""Endpoints: created, updated beside the running ones and swapped, rolled back when the new ones do not come up."""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from retide.local.errors import ApiError, invalid
from retide.local.interfaces import Json, Settings
from retide.local.processes import Registry
from retide.local.sagemaker.buckets import Buckets
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.hosting import Fleet, HostingFailed, Server
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.models import EndpointConfigs, Models
from retide.local.sagemaker.named import Named
from retide.local.sagemaker.store import Arns, Tags
from retide.local.table import Table

logger = logging.getLogger("retide.local.sagemaker")
IN_PROGRESS: Final = frozenset({"Creating", "Updating", "Deleting"})


@dataclass(slots=True)
class Endpoint:
    """`fleet` serves; `coming` is being started beside it. Changed under the lock only."""

    name: str
    arn: str
    config: str
    created: datetime
    modified: datetime
    status: str = "Creating"
    failure: str | None = None
    fleet: Fleet | None = None
    coming: Fleet | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)


@dataclass(frozen=True, slots=True)
class Hosting:
    """What starting a fleet needs."""

    settings: Settings
    registry: Registry
    buckets: Buckets


class Endpoints:
    """The operations on endpoints."""

    def __init__(self, hosting: Hosting, configs: EndpointConfigs, models: Models, events: Events, tags: Tags) -> None:
        self._hosting = hosting
        self._configs = configs
        self._models = models
        self._events = events
        self._tags = tags
        self._arns = Arns(hosting.settings)
        self._endpoints: Table[Endpoint] = Table()
        self._numbers = itertools.count(1)

    def create(self, request: Json) -> Json:
        """CreateEndpoint."""
        name, now = request["EndpointName"], self._hosting.settings.clock.now()
        config = self._configs.find(request["EndpointConfigName"])
        models = self._models_of(config)
        arn = self._arns.of("endpoint", name)
        endpoint = Endpoint(name, arn, config.name, now, now)
        self._endpoints.add(name, endpoint, invalid(f'Cannot create already existing endpoint "{arn}".'))
        self._tags.start(arn, request.get("Tags", ()))
        self._tell(endpoint)
        self._deploy(endpoint, config, models)
        return {"EndpointArn": arn}

    def update(self, request: Json) -> Json:
        """UpdateEndpoint."""
        endpoint = self.find(request["EndpointName"])
        config = self._configs.find(request["EndpointConfigName"])
        models = self._models_of(config)
        with endpoint.lock:
            if endpoint.status in IN_PROGRESS:
                raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
            if endpoint.fleet is None:
                raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}: delete it first.')
            _check_same_kind(endpoint.fleet, config)
            self._move(endpoint, "Updating")
        self._deploy(endpoint, config, models)
        return {"EndpointArn": endpoint.arn}

    def delete(self, request: Json) -> Json:
        """DeleteEndpoint."""
        endpoint = self.find(request["EndpointName"])
        with endpoint.lock:
            if endpoint.status == "Deleting":
                raise invalid(f'Cannot delete in-progress endpoint "{endpoint.arn}".')
            self._move(endpoint, "Deleting")
        threading.Thread(target=self._remove, args=(endpoint,), daemon=True).start()
        return {}

    def describe(self, request: Json) -> Json:
        """DescribeEndpoint."""
        return self._description(self.find(request["EndpointName"]))

    def list(self, request: Json) -> Json:
        """ListEndpoints."""
        return page("Endpoints", map(_row, self._endpoints.all()), request, "Descending")

    def find(self, name: str) -> Endpoint:
        """Raises ValidationException when there is none."""
        return self._endpoints.find(name, invalid(f'Could not find endpoint "{self._arns.of("endpoint", name)}".'))

    def enter(self, name: str) -> Fleet | None:
        """The fleet that serves now, entered for one invocation; None when there is none."""
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return None
        with endpoint.lock:
            if endpoint.fleet is not None and endpoint.status != "Deleting":
                endpoint.fleet.enter()
                return endpoint.fleet
        return None

    def close(self) -> None:
        """Stop every server."""
        for endpoint in self._endpoints.all():
            with endpoint.lock:
                endpoint.status = "Deleting"
                fleets = [fleet for fleet in (endpoint.fleet, endpoint.coming) if fleet is not None]
            for fleet in fleets:
                fleet.stop(now=True)

    def _models_of(self, config: Named) -> dict[str, Json]:
        """The model of each variant, as it was created."""
        return {
            variant["VariantName"]: self._models.find(variant["ModelName"]).request
            for variant in config.request["ProductionVariants"]
        }

    def _deploy(self, endpoint: Endpoint, config: Named, models: dict[str, Json]) -> None:
        work = (endpoint, config, models)
        threading.Thread(target=self._bring_up, args=work, name=f"endpoint-{endpoint.name}", daemon=True).start()

    def _bring_up(self, endpoint: Endpoint, config: Named, models: dict[str, Json]) -> None:
        fleet: Fleet | None = None
        try:
            fleet = self._fleet(endpoint, config)
            with endpoint.lock:
                endpoint.coming = fleet
            fleet.start(models, self._hosting.buckets)
        except (HostingFailed, ApiError, OSError) as problem:
            logger.warning("endpoint %s: %s", endpoint.name, problem)
            self._give_up(endpoint, fleet, str(problem))
            return
        self._swap(endpoint, config, fleet)

    def _fleet(self, endpoint: Endpoint, config: Named) -> Fleet:
        settings, variants = self._hosting.settings, config.request["ProductionVariants"]
        root = settings.home / "sagemaker" / "endpoints" / endpoint.name / str(next(self._numbers))
        servers = {
            variant["VariantName"]: Server(settings, self._hosting.registry, variant, root / variant["VariantName"])
            for variant in variants
        }
        return Fleet(servers, variants)

    def _swap(self, endpoint: Endpoint, config: Named, fleet: Fleet) -> None:
        """The new fleet serves from here on; the old one finishes what it has begun."""
        with endpoint.lock:
            wanted = endpoint.status != "Deleting"
            old = endpoint.fleet if wanted else fleet
            if wanted:
                endpoint.fleet, endpoint.coming, endpoint.config = fleet, None, config.name
                self._move(endpoint, "InService")
        if old is not None:
            old.drain()

    def _give_up(self, endpoint: Endpoint, fleet: Fleet | None, reason: str) -> None:
        """As AWS does: a new endpoint has failed, an updated one is back in service with its old configuration."""
        if fleet is not None:
            fleet.stop()
        with endpoint.lock:
            endpoint.coming = None
            if endpoint.status != "Deleting":
                self._move(endpoint, "InService" if endpoint.fleet is not None else "Failed", reason)

    def _remove(self, endpoint: Endpoint) -> None:
        with endpoint.lock:
            fleets = [fleet for fleet in (endpoint.fleet, endpoint.coming) if fleet is not None]
        for fleet in fleets:
            fleet.stop()
        self._endpoints.remove(endpoint.name)
        self._tags.forget(endpoint.arn)

    def _move(self, endpoint: Endpoint, status: str, failure: str | None = None) -> None:
        """The caller holds the lock."""
        endpoint.status, endpoint.failure = status, failure
        endpoint.modified = self._hosting.settings.clock.now()
        self._tell(endpoint)

    def _tell(self, endpoint: Endpoint) -> None:
        self._events.endpoint(self._description(endpoint), self._tags.of(endpoint.arn))

    def _description(self, endpoint: Endpoint) -> Json:
        with endpoint.lock:
            variants = endpoint.fleet.variants if endpoint.fleet is not None else None
            return {
                "EndpointName": endpoint.name,
                "EndpointArn": endpoint.arn,
                "EndpointConfigName": endpoint.config,
                "ProductionVariants": [_variant(variant) for variant in variants] if variants else None,
                "EndpointStatus": endpoint.status,
                "FailureReason": endpoint.failure,
                "CreationTime": endpoint.created,
                "LastModifiedTime": endpoint.modified,
            }


def _check_same_kind(fleet: Fleet, config: Named) -> None:
    now = "ServerlessConfig" in fleet.variants[0]
    if now != ("ServerlessConfig" in config.request["ProductionVariants"][0]):
        raise invalid("An endpoint cannot be updated from serverless to instances or from instances to serverless.")


def _variant(variant: Json) -> Json:
    weight = variant.get("InitialVariantWeight", 1.0)
    summary: Json = {"VariantName": variant["VariantName"], "CurrentWeight": weight, "DesiredWeight": weight}
    if "ServerlessConfig" in variant:
        serverless = variant["ServerlessConfig"]
        return summary | {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    count = variant["InitialInstanceCount"]
    return summary | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _row(endpoint: Endpoint) -> Row:
    summary = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }
    return Row(endpoint.name, endpoint.created, endpoint.modified, summary, endpoint.status)
