"""Endpoints: created, updated beside the running ones and swapped, rolled back when the new ones do not do well."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import Final

from retide.local.errors import invalid
from retide.local.interfaces import Json
from retide.local.sagemaker.deployments import Deployment, Deployments, Endpoint, Hosting
from retide.local.sagemaker.describing import endpoint_description, endpoint_row
from retide.local.sagemaker.errors import not_supported
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.fleets import Fleet
from retide.local.sagemaker.guardrails import AT_ONCE, plan
from retide.local.sagemaker.listing import page
from retide.local.sagemaker.models import EndpointConfigs, Models
from retide.local.sagemaker.named import Named
from retide.local.sagemaker.store import Arns, Tags
from retide.local.table import Table

IN_PROGRESS: Final = frozenset({"Creating", "Updating", "Deleting"})
CHANGES: Final = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}


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
        self._deployments = Deployments(hosting, self._move)

    def create(self, request: Json) -> Json:
        """CreateEndpoint."""
        name, now = request["EndpointName"], self._hosting.settings.clock.now()
        config = self._configs.find(request["EndpointConfigName"])
        models = self._models_of(config)
        arn = self._arns.of("endpoint", name)
        endpoint = Endpoint(name, arn, config.name, now, now, deployment=request.get("DeploymentConfig"))
        self._endpoints.add(name, endpoint, invalid(f'Cannot create already existing endpoint "{arn}".'))
        self._tags.start(arn, request.get("Tags", ()))
        self._tell(endpoint)
        self._deployments.start(Deployment(endpoint, config, models, AT_ONCE))
        return {"EndpointArn": arn}

    def update(self, request: Json) -> Json:
        """UpdateEndpoint."""
        endpoint = self.find(request["EndpointName"])
        config = self._configs.find(request["EndpointConfigName"])
        models = self._models_of(config)
        with endpoint.lock:
            serving = _changeable(endpoint)
            if request.get("RetainAllVariantProperties"):
                config = _retaining(config, serving)
            new = config.request["ProductionVariants"]
            if serving.serverless != ("ServerlessConfig" in new[0]):
                raise invalid(
                    "An endpoint cannot be updated from serverless to instances or from instances to serverless."
                )
            config_of_deployment = _deployment_config(endpoint, request)
            made = plan(config_of_deployment, serving.variants, new, self._knows_alarm)
            endpoint.deployment = config_of_deployment
            self._move(endpoint, "Updating")
        self._deployments.start(Deployment(endpoint, config, models, made))
        return {"EndpointArn": endpoint.arn}

    def update_weights(self, request: Json) -> Json:
        """UpdateEndpointWeightsAndCapacities."""
        endpoint = self.find(request["EndpointName"])
        with endpoint.lock:
            serving = _changeable(endpoint)
            wanted = {given["VariantName"]: given for given in request["DesiredWeightsAndCapacities"]}
            _check_changes(endpoint.name, serving, wanted)
            self._move(endpoint, "Updating")
        work = (endpoint, serving, {name: _change(given) for name, given in wanted.items()})
        threading.Thread(target=self._reweigh, args=work, daemon=True).start()
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
        return endpoint_description(self.find(request["EndpointName"]))

    def list(self, request: Json) -> Json:
        """ListEndpoints."""
        return page("Endpoints", map(endpoint_row, self._endpoints.all()), request, "Descending")

    def find(self, name: str) -> Endpoint:
        """Raises ValidationException when there is none."""
        return self._endpoints.find(name, invalid(f'Could not find endpoint "{self._arns.of("endpoint", name)}".'))

    def enter(self, name: str) -> Fleet | None:
        """The fleet that an invocation meets, entered for it; None when there is none."""
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return None
        with endpoint.lock:
            if endpoint.fleet is None or endpoint.status == "Deleting":
                return None
            shifted = endpoint.coming is not None and random.random() < endpoint.share
            fleet = endpoint.coming if shifted and endpoint.coming else endpoint.fleet
            fleet.enter()
            return fleet

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
        variants = [*config.request["ProductionVariants"], *config.request.get("ShadowProductionVariants", ())]
        return {variant["VariantName"]: self._models.find(variant["ModelName"]).request for variant in variants}

    def _knows_alarm(self, name: str) -> bool:
        return self._hosting.alarms.alarm_state(name) is not None

    def _reweigh(self, endpoint: Endpoint, fleet: Fleet, wanted: dict[str, Json]) -> None:
        with endpoint.lock:
            fleet.change(wanted)
            if endpoint.status == "Updating":
                self._move(endpoint, "InService")

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
        self._events.endpoint(endpoint_description(endpoint), self._tags.of(endpoint.arn))


def _changeable(endpoint: Endpoint) -> Fleet:
    """What serves now. Raises ValidationException where it cannot be changed; the caller holds the lock."""
    if endpoint.status in IN_PROGRESS:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    if endpoint.fleet is None:
        raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}: delete it first.')
    return endpoint.fleet


def _retaining(config: Named, serving: Fleet) -> Named:
    """The configuration with weights and counts as they are now, of variants with the same names."""
    now = {variant["VariantName"]: variant for variant in serving.variants}
    kept = [
        variant
        | {name: now[variant["VariantName"]][name] for name in CHANGES.values() if name in now[variant["VariantName"]]}
        if variant["VariantName"] in now
        else variant
        for variant in config.request["ProductionVariants"]
    ]
    return replace(config, request={**config.request, "ProductionVariants": kept})


def _deployment_config(endpoint: Endpoint, request: Json) -> Json | None:
    given: Json | None = request.get("DeploymentConfig")
    if request.get("RetainDeploymentConfig"):
        if given:
            raise invalid("Give DeploymentConfig, or RetainDeploymentConfig to use the last one, not both.")
        return endpoint.deployment
    return given


def _check_changes(name: str, fleet: Fleet, wanted: dict[str, Json]) -> None:
    known = [variant["VariantName"] for variant in (*fleet.variants, *fleet.shadows)]
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise invalid(f"Endpoint {name} has no variant {', '.join(unknown)}: it has {', '.join(known)}.")
    shadowed = sorted(set(wanted) & {shadow["VariantName"] for shadow in fleet.shadows})
    if shadowed:
        raise not_supported(f"UpdateEndpointWeightsAndCapacities of a shadow variant ({shadowed[0]})")
    for given in wanted.values():
        if fleet.serverless and "DesiredInstanceCount" in given:
            raise invalid(f"The serverless variant {given['VariantName']} has no instances to count.")


def _change(given: Json) -> Json:
    return {CHANGES[member]: value for member, value in given.items() if member in CHANGES}
