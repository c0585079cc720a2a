"""The plan of one rollout: what SageMaker is asked for, of which artefact, and what it would go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from retide.domain import hosting
from retide.domain.contract import Profile, Serving
from retide.domain.ledger import AbTest, EndpointRecord, Release
from retide.domain.package import MODEL_DIGEST
from retide.domain.rollout import Outcome, Verdict, resource_name, resource_prefix
from retide.ports import EndpointState, Package

SERVING_NOTHING: Final = frozenset({"Failed", "Deleting"})


@dataclass(frozen=True, slots=True)
class Beside:
    """The A/B test that the config is to hold: its name, the challenger, and the variant that is asked for it.

    `test` is empty for none, `variant` for a shadow, which nobody can ask.
    """

    test: str = ""
    challenger: int = 0
    package_arn: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Hosted:
    """What SageMaker makes a model of."""

    name: str = ""
    image: str = ""
    model_data_url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


NOBODY: Final = Beside()
NOTHING: Final = Hosted()


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the state machine needs; without `proceed` all but the outcome, the reason and the fence is empty.

    With `trial`, an endpoint of its own is asked before the one that serves is touched. `guarded` updates go in steps,
    watched by alarms; `retain` keeps as many instances as scaling has started, `retyped` says that they are of another
    type than those that serve. `shadows` are ShadowProductionVariants.
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
    guarded: bool = False
    retain: bool = False
    retyped: bool = False
    ab: Beside = NOBODY
    challenger: Hosted = NOTHING
    shadows: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a rollout starts from: the endpoint as it is, what the ledger says of it, and every rollout so far.

    `instance_type` is that of what serves, empty for none. `serving_test` is the A/B test whose challenger answers now,
    `test` the one that is to run, with its `challenger`.
    """

    stage: str
    model: str
    serving: Serving
    bucket_uri: str
    endpoint: str
    state: EndpointState | None
    stands: EndpointRecord
    releases: tuple[Release, ...]
    instance_type: str = ""
    serving_test: AbTest | None = None
    test: AbTest | None = None
    challenger: Package | None = None

    @property
    def alive(self) -> bool:
        return self.state is not None and self.state.status not in SERVING_NOTHING

    @property
    def retyped(self) -> bool:
        serving, there = self.serving, self.instance_type
        return serving.profile is Profile.INSTANCE and self.alive and there not in ("", serving.instance_type)

    @property
    def guarded(self) -> bool:
        """Whether traffic moves in steps: to another version, for only between the same variants SageMaker can do that.

        A challenger comes and goes all at once: the version beside which it is stays the same.
        """
        return self.serving.profile is Profile.INSTANCE and self.serving_test is None and self.test is None


def plan(package: Package, reason: str, fence: int, ground: Ground) -> Rollout:
    """Of a package that may serve. There is no trial on instances: there the new version begins with a part of them."""
    serving, ab = ground.serving, _beside(ground)
    challenger = _hosted(ground.challenger, ground) if ground.challenger else NOTHING
    name = _name(package, ground, (challenger.name, ground.test.percent) if ground.test else ())
    previous = _previous(ground, name)
    variants, shadows = _variants(name, challenger.name, ground)
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
        environment=_environment(package, serving),
        profile=serving.profile,
        variants=tuple(variants),
        capture=hosting.capture(serving, ground.model, ground.bucket_uri, test=ab.test != ""),
        deployment=hosting.deployment(serving, ground.stage, ground.model),
        previous_config=previous,
        trial=bool(previous) and serving.profile is Profile.SERVERLESS and not _has_served(name, ground),
        guarded=ground.guarded,
        retain=ground.guarded and hosting.scaling(serving) is not None and not ground.retyped,
        retyped=ground.retyped,
        ab=ab,
        challenger=challenger,
        shadows=tuple(shadows),
    )


def _beside(ground: Ground) -> Beside:
    test = ground.test
    if test is None:
        return NOBODY
    return Beside(test.name, test.challenger, test.package, "" if test.shadow else hosting.CHALLENGER)


def _variants(name: str, challenger: str, ground: Ground) -> tuple[list[hosting.Json], list[hosting.Json]]:
    if ground.test is None:
        return hosting.variants(name, ground.serving), []
    return hosting.tested(name, challenger, ground.test.percent, ground.serving)


def _hosted(package: Package, ground: Ground) -> Hosted:
    """Called as the package's own rollout would call it, which then finds the model there."""
    environment = _environment(package, ground.serving)
    return Hosted(_name(package, ground), package.image, package.model_data_url, environment)


def _environment(package: Package, serving: Serving) -> Mapping[str, str]:
    """On instances the endpoint captures by itself: what the server captured as well would be there twice."""
    return {
        **package.environment,
        MODEL_DIGEST: package.facts["artefact_digest"],
        "RETIDE_MODEL_VERSION": str(package.version),
        "RETIDE_CAPTURE": f"{serving.capture if serving.profile is Profile.SERVERLESS else 0:g}",
    }


def _name(package: Package, ground: Ground, beside: tuple[object, ...] = ()) -> str:
    """`beside` is what an A/B test adds: the name of the challenger's model, and its share."""
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
    if beside:
        content["beside"] = beside
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
