"""Prepare rollout: take the endpoint's lease, and find out whether this package may be served and from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from retide.domain import artefact, layout
from retide.domain.contract import Contract
from retide.domain.environment import endpoint_name
from retide.domain.events import retrain_message, rollout_message
from retide.domain.ledger import Cause, EndpointRecord, Release
from retide.domain.package import MODEL_DIGEST, Facts
from retide.domain.rollout import (
    Candidate,
    Judgement,
    Outcome,
    Situation,
    Verdict,
    judge,
    judged_again_key,
    resource_name,
    resource_prefix,
)
from retide.ledger import Ledger
from retide.ports import (
    Clock,
    Endpoints,
    EndpointState,
    Executions,
    ObjectGone,
    Objects,
    Package,
    Queue,
    Registry,
    Status,
)
from retide.steps.next_rollout import ask_for_next
from retide.steps.settle_approval import revoke

TRIES: Final = 5
SERVING_NOTHING: Final = frozenset({"Failed", "Deleting"})


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    model: str
    version: int
    package_arn: str
    attempt: int
    execution: str


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
    memory_mib: int = 0
    max_concurrency: int = 0
    previous_config: str = ""
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Preparation:
    """The ports that preparing works with, the model's contract and its stage."""

    ledger: Ledger
    objects: Objects
    executions: Executions
    registry: Registry
    endpoints: Endpoints
    queue: Queue
    clock: Clock
    contract: Contract
    stage: str


def prepare_rollout(request: PrepareRequest, parts: Preparation) -> Rollout:
    ended = parts.ledger.release(request.model, request.version, request.attempt)
    if ended is not None:
        return Rollout(Outcome.SUPERSEDED, ended.reason)
    fence = _take_endpoint(request, parts)
    if fence is None:
        return _wait(request, parts)
    package = parts.registry.describe(request.package_arn)
    judgement = _judge(request, package, parts)
    if judgement.outcome is Outcome.SUPERSEDED:
        return _give_way(request, fence, judgement, parts)
    refusal = (
        judgement.reason if judgement.outcome is Outcome.REFUSED else _damage(package, parts.objects, request.model)
    )
    if refusal:
        return Rollout(Outcome.REFUSED, refusal, fence)
    return _proceed(request, fence, package, judgement, parts)


def _take_endpoint(request: PrepareRequest, parts: Preparation) -> int | None:
    """The fencing token; None while another rollout that lives holds the endpoint."""
    for _ in range(TRIES):
        seen = parts.ledger.endpoint(request.model)
        if seen.owner == request.execution:
            return seen.token
        if _busy(seen, parts):
            return None
        token = parts.ledger.take_endpoint(request.model, seen, request.execution)
        if token is not None:
            return token
    return None


def _busy(seen: EndpointRecord, parts: Preparation) -> bool:
    """A lease is void once its owner does not run any more: no clock decides about that."""
    return seen.owner is not None and parts.executions.running(seen.owner)


def _wait(request: PrepareRequest, parts: Preparation) -> Rollout:
    """The rollout under way asks for the newest approved package when it ends, so this one need not stay."""
    reason = "another rollout of this endpoint is under way; it asks for this one when it ends"
    parts.ledger.note_release(request.model, _release(request, Verdict.WAITING, reason, parts))
    if not _busy(parts.ledger.endpoint(request.model), parts):  # it ended before it could see that somebody waits
        parts.queue.send(rollout_message(request.model, f"waited-v{request.version}-{request.attempt}"))
    return Rollout(Outcome.SUPERSEDED, reason)


def _judge(request: PrepareRequest, package: Package, parts: Preparation) -> Judgement:
    try:
        facts = Facts.from_properties(package.facts)
    except LookupError as error:
        return Judgement(Outcome.REFUSED, str(error))
    stands = parts.ledger.endpoint(request.model)
    champion = parts.ledger.head(request.model).champion
    newest = _newest_approved(package.group, stands, parts.registry)
    approved, served = package.status is Status.APPROVED, _promoted(request, parts)
    candidate = Candidate(request.version, approved, facts.decision, facts.champion, newest, served)
    in_service, champion_version = _in_service(request, stands, parts), champion.version if champion else 0
    return judge(candidate, Situation(stands.standing, in_service, champion_version, stands.withdrawn))


def _promoted(request: PrepareRequest, parts: Preparation) -> bool:
    return any(release.version == request.version for release in _promotions(request, parts))


def _has_served(request: PrepareRequest, config: str, parts: Preparation) -> bool:
    """What answered all golden records once needs no trial: going back to it takes seconds."""
    return any(release.config == config for release in _promotions(request, parts))


def _promotions(request: PrepareRequest, parts: Preparation) -> tuple[Release, ...]:
    return tuple(one for one in parts.ledger.releases(request.model) if one.verdict == Verdict.PROMOTED)


def _in_service(request: PrepareRequest, stands: EndpointRecord, parts: Preparation) -> bool:
    state = parts.endpoints.describe(endpoint_name(parts.stage, request.model))
    return state is not None and state.status not in SERVING_NOTHING and state.config == stands.config


def _newest_approved(group: str, stands: EndpointRecord, registry: Registry) -> int:
    versions = registry.versions(group)
    return next((v for v, _, status in versions if status is Status.APPROVED and v not in stands.withdrawn), 0)


def _give_way(request: PrepareRequest, fence: int, judgement: Judgement, parts: Preparation) -> Rollout:
    """Nothing is changed; where the champion changed since the gate, a new run compares with the one of today."""
    if judgement.judge_again:
        key = judged_again_key(request.version)
        parts.queue.send(retrain_message(request.model, Cause.CHAMPION_CHANGED, judgement.reason, key))
        reason = f"{judgement.reason}; a new run judges again"
        arn, ledger = request.package_arn, parts.ledger
        revoke(request.model, arn, "the rollout", reason, ledger=ledger, registry=parts.registry)
    release = _release(request, Verdict.SUPERSEDED, judgement.reason, parts)
    parts.ledger.give_up(request.model, fence, release, withdraw=False)
    ask_for_next(
        request.model,
        request.version,
        request.attempt,
        ledger=parts.ledger,
        registry=parts.registry,
        queue=parts.queue,
        stage=parts.stage,
    )
    return Rollout(Outcome.SUPERSEDED, judgement.reason, fence)


def _damage(package: Package, objects: Objects, model: str) -> str | None:
    """What is wrong with the artefact, or None where it is byte for byte the one that was evaluated."""
    facts = Facts.from_properties(package.facts)
    key = layout.artefact(model, facts.job)
    if package.model_data_url != objects.uri(key):
        return f"the package points at {package.model_data_url}, not at the artefact of its job {facts.job}"
    expected = package.environment.get(MODEL_DIGEST, facts.artefact_digest)
    if expected != facts.artefact_digest:
        return f"the server would look for {expected[:12]}…, but {facts.artefact_digest[:12]}… was evaluated"
    try:
        with objects.open(key) as stream:
            found = artefact.inspect(stream)
    except (ObjectGone, ValueError) as error:
        return str(error)
    if found.digest != facts.artefact_digest:
        return f"the artefact's digest is {found.digest[:12]}…, but {facts.artefact_digest[:12]}… was evaluated"
    if facts.archive_sha256 and found.sha256 != facts.archive_sha256:
        return f"the archive's sha256 is {found.sha256[:12]}…, but {facts.archive_sha256[:12]}… was registered"
    return None


def _proceed(
    request: PrepareRequest, fence: int, package: Package, judgement: Judgement, parts: Preparation
) -> Rollout:
    endpoint = endpoint_name(parts.stage, request.model)
    state = parts.endpoints.describe(endpoint)
    serving = parts.contract.serving
    content = {
        "job": package.facts["job"],
        "package": package.arn,
        "image": package.image,
        "data": package.model_data_url,
        "environment": sorted(package.environment.items()),
        "memory": serving.memory_mib,
        "concurrency": serving.max_concurrency,
        "capture": serving.capture,
    }
    name = resource_name(endpoint, request.version, content)
    previous = _previous(state, parts.ledger.endpoint(request.model), endpoint, name)
    return Rollout(
        outcome=Outcome.PROCEED,
        reason=judgement.reason,
        fence=fence,
        endpoint=endpoint,
        name=name,
        exists=state is not None,
        alive=state is not None and state.status not in SERVING_NOTHING,
        image=package.image,
        model_data_url=package.model_data_url,
        environment={
            **package.environment,
            MODEL_DIGEST: package.facts["artefact_digest"],
            "RETIDE_MODEL_VERSION": str(request.version),
            "RETIDE_CAPTURE": f"{serving.capture:g}",
        },
        memory_mib=serving.memory_mib,
        max_concurrency=serving.max_concurrency,
        previous_config=previous,
        trial=bool(previous) and not _has_served(request, name, parts),
    )


def _previous(state: EndpointState | None, stands: EndpointRecord, endpoint: str, name: str) -> str:
    """The config to go back to; none where nothing is served.

    What a rollout that died left behind was never found right: of our own configs it is the one that was promoted.
    """
    if state is None or state.status in SERVING_NOTHING:
        return ""
    if not state.config.startswith(resource_prefix(endpoint)):
        return state.config  # somebody else's: what was there before us
    return stands.config if stands.version and stands.config != name else ""


def _release(request: PrepareRequest, verdict: Verdict, reason: str, parts: Preparation) -> Release:
    at = parts.clock.now().isoformat(timespec="milliseconds")
    return Release(request.version, request.attempt, request.package_arn, verdict.value, reason, at)
