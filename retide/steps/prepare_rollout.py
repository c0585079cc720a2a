"""Prepare rollout: take the endpoint's lease, and find out whether this package may be served and from what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from retide.domain import artefact, hosting, layout
from retide.domain.contract import Contract
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
)
from retide.ledger import Ledger
from retide.ports import (
    Clock,
    Endpoints,
    Executions,
    ObjectGone,
    Objects,
    Package,
    Queue,
    Registry,
    Status,
)
from retide.steps.next_rollout import ask_for_next
from retide.steps.rollout_plan import SERVING_NOTHING, Ground, Rollout, plan
from retide.steps.settle_approval import revoke

TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    model: str
    version: int
    package_arn: str
    attempt: int
    execution: str


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
    return plan(package, judgement.reason, fence, _ground(request, parts))


def _ground(request: PrepareRequest, parts: Preparation) -> Ground:
    ledger, serving = parts.ledger, parts.contract.serving
    endpoint = hosting.endpoint_of(parts.stage, request.model, serving.profile)
    return Ground(
        stage=parts.stage,
        model=request.model,
        serving=serving,
        bucket_uri=parts.objects.uri(""),
        endpoint=endpoint,
        state=parts.endpoints.describe(endpoint),
        stands=ledger.endpoint(request.model),
        releases=ledger.releases(request.model),
    )


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
    return any(
        (release.version, release.verdict) == (request.version, Verdict.PROMOTED)
        for release in parts.ledger.releases(request.model)
    )


def _in_service(request: PrepareRequest, stands: EndpointRecord, parts: Preparation) -> bool:
    """On the kind of endpoint that the contract asks for: another one is to be left."""
    endpoint = hosting.endpoint_of(parts.stage, request.model, parts.contract.serving.profile)
    state = parts.endpoints.describe(endpoint)
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


def _release(request: PrepareRequest, verdict: Verdict, reason: str, parts: Preparation) -> Release:
    at = parts.clock.now().isoformat(timespec="milliseconds")
    return Release(request.version, request.attempt, request.package_arn, verdict.value, reason, at)
