"""The challenger of an A/B test, as a rollout finds it: fit to answer beside the version, or the test is over."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.ab_test import Challenger, busy, why_not
from retide.domain.contract import Profile
from retide.domain.hosting import endpoint_of
from retide.domain.ledger import AbEnding, AbTest, EndpointRecord
from retide.domain.package import Facts
from retide.ledger import Ledger
from retide.ports import Objects, Package, Registry, Signatures, Status
from retide.steps.artefact_check import damage


@dataclass(frozen=True, slots=True)
class Trying:
    """The ports that a look at a challenger needs, and what the contract says of serving now."""

    ledger: Ledger
    objects: Objects
    registry: Registry
    profile: Profile
    signatures: Signatures | None = None


def challenger_of(model: str, version: int, parts: Trying) -> tuple[AbTest, Package] | None:
    """The test that is to run beside this version, and its challenger's package; one that cannot be is ended here."""
    stands = parts.ledger.endpoint(model)
    test = parts.ledger.ab_test(model, stands.ab_test)
    if test is None or stands.standing != version:
        return None
    package, why = _look(model, test, parts)
    if package is None or why:
        parts.ledger.end_ab_test(model, test.name, AbEnding.FAILED, why)
        return None
    return test, package


def _look(model: str, test: AbTest, parts: Trying) -> tuple[Package | None, str]:
    try:
        package = parts.registry.describe(test.package)
        asked = as_challenger(package)
    except LookupError as error:
        return None, str(error)
    stands, on_instances = parts.ledger.endpoint(model), parts.profile is Profile.INSTANCE
    broken = why_not(asked, stands, on_instances=on_instances)
    return package, broken or damage(package, parts.objects, model, parts.signatures) or ""


def as_challenger(package: Package) -> Challenger:
    """What speaks for and against a package; raises LookupError for one that no run registered."""
    facts = Facts.from_properties(package.facts)
    return Challenger(package.version, package.status.value, facts.decision, facts.champion)


def why_not_begun(package: Package, stage: str, model: str, stands: EndpointRecord) -> str:
    """Why no test of this package may begin beside what serves; empty where it may. LookupError as `as_challenger`."""
    on_instances = stands.endpoint == endpoint_of(stage, model, Profile.INSTANCE)
    asked = as_challenger(package)
    return busy(stands) or why_not(asked, stands, on_instances=on_instances)


def no_challenger_any_more(test: AbTest, stands: EndpointRecord, registry: Registry) -> str:
    """Why nobody should be answered by a test's challenger any longer; empty where it is as good as it was."""
    try:
        status = registry.describe(test.package).status
    except LookupError:
        return "the package of its challenger was deleted"
    if status is Status.REJECTED or test.challenger in stands.withdrawn:
        return f"version {test.challenger} was rejected"
    return ""
