"""The plan of one rollout: what SageMaker is asked for, of which artefact, and what it would go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from retide.domain import hosting
from retide.domain.contract import Profile, Serving
from retide.domain.ledger import EndpointRecord, Release
from retide.domain.package import MODEL_DIGEST
from retide.domain.rollout import Outcome, Verdict, resource_name, resource_prefix
from retide.ports import EndpointState, Package

SERVING_NOTHING: Final = frozenset({"Failed", "Deleting"})


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the state machine needs; without `proceed` all but the outcome, the reason and the fence is empty.

    With `trial`, an endpoint of its own is asked before the one that serves is touched.
    """

    outcome: Outcome
    reason: str
    fence: int = 0
    endpoint: str = ""
    name: str = ""
    exists: bool = False
    alive: bool = False
    image: str = ""
    model_data_url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    variants: tuple[Mapping[str, Any], ...] = ()
    capture: Mapping[str, Any] = field(default_factory=dict)
    deployment: Mapping[str, Any] = field(default_factory=dict)
    previous_config: str = ""
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What a rollout starts from: the endpoint as it is, what the ledger says of it, and every rollout so far."""

    stage: str
    model: str
    serving: Serving
    bucket_uri: str
    endpoint: str
    state: EndpointState | None
    stands: EndpointRecord
    releases: tuple[Release, ...]

    @property
    def alive(self) -> bool:
        return self.state is not None and self.state.status not in SERVING_NOTHING


def plan(package: Package, reason: str, fence: int, ground: Ground) -> Rollout:
    """Of a package that may serve. There is no trial on instances: there the new version begins with a part of them."""
    serving, name = ground.serving, _name(package, ground)
    previous = _previous(ground, name)
    return Rollout(
        outcome=Outcome.PROCEED,
        reason=reason,
        fence=fence,
        endpoint=ground.endpoint,
        name=name,
        exists=ground.state is not None,
        alive=ground.alive,
        image=package.image,
        model_data_url=package.model_data_url,
        environment={
            **package.environment,
            MODEL_DIGEST: package.facts["artefact_digest"],
            "RETIDE_MODEL_VERSION": str(package.version),
            "RETIDE_CAPTURE": f"{serving.capture if serving.profile is Profile.SERVERLESS else 0:g}",
        },
        profile=serving.profile,
        variants=tuple(hosting.variants(name, serving)),
        capture=hosting.capture(serving, ground.model, ground.bucket_uri),
        deployment=hosting.deployment(serving, ground.stage, ground.model),
        previous_config=previous,
        trial=bool(previous) and serving.profile is Profile.SERVERLESS and not _has_served(name, ground),
    )


def _name(package: Package, ground: Ground) -> str:
    serving = ground.serving
    content = {
        "job": package.facts["job"],
        "package": package.arn,
        "image": package.image,
        "data": package.model_data_url,
        "environment": sorted(package.environment.items()),
        "variants": hosting.variants("", serving),
        "kept": serving.capture,
        "capture": sorted(hosting.capture(serving, ground.model, "").items(), key=str),
    }
    return resource_name(ground.endpoint, package.version, content)


def _has_served(config: str, ground: Ground) -> bool:
    """What answered all golden records once needs no trial: going back to it takes seconds."""
    return any((one.config, one.verdict) == (config, Verdict.PROMOTED) for one in ground.releases)


def _previous(ground: Ground, name: str) -> str:
    """The config to go back to; none where nothing is served.

    What a rollout that died left behind was never found right: of our own configs it is the one that was promoted.
    """
    state, stands = ground.state, ground.stands
    if state is None or not ground.alive:
        return ""
    if not state.config.startswith(resource_prefix(ground.endpoint)):
        return state.config  # somebody else's: what was there before us
    return stands.config if stands.version and stands.config != name else ""
