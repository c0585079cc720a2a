"""Prepare rollout: take the endpoint's lease, and find out whether this package may be served and from what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from retide.domain import hosting
from retide.domain.contract import Contract, Profile
from retide.domain.events import retrain_message, rollout_message
from retide.domain.ledger import AbEnding, AbTest, Cause, EndpointRecord, Release
from retide.domain.package import Facts
from retide.domain.rollout import (
    Candidate,
    Judgement,
    Outcome,
    Situation,
    Verdict,
    alone_first,
    judge,
    judged_again_key,
    to_serve,
)
from retide.ledger import Ledger
from retide.ports import (
    Clock,
    EndpointLogs,
    Endpoints,
    Executions,
    Objects,
    Package,
    Queue,
    Registry,
    Signatures,
    Status,
)
from retide.steps.artefact_check import damage
from retide.steps.challengers import Trying, challenger_of
from retide.steps.next_rollout import ask_for_next
from retide.steps.rollout_plan import SERVING_NOTHING, Ground, Rollout, plan
from retide.steps.settle_approval import revoke

TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    """`keeper` is the ARN of the function that takes captures from logs, `log_days` how long these are kept."""

    model: str
    version: int
    package_arn: str
    attempt: int
    execution: str
    keeper: str
    log_days: int


@dataclass(frozen=True, slots=True)
class Preparation:
    """The ports that preparing works with, the model's contract and its stage."""

    ledger: Ledger
    objects: Objects
    executions: Executions
    registry: Registry
    endpoints: Endpoints
    queue: Queue
    endpoint_logs: EndpointLogs
    clock: Clock
    contract: Contract
    stage: str
    signatures: Signatures | None = None


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
    refused = judgement.reason if judgement.outcome is Outcome.REFUSED else ""
    refusal = refused or damage(package, parts.objects, request.model, parts.signatures)
    if refusal:
        return Rollout(Outcome.REFUSED, refusal, fence)
    if _takes_challenger_off(request, parts):
        return _after_test(request, fence, parts)
    rollout = plan(package, judgement.reason, fence, _ground(request, parts))
    _keep_logs(request, rollout, parts)
    return rollout


def _keep_logs(request: PrepareRequest, rollout: Rollout, parts: Preparation) -> None:
    """On instances the endpoint captures by itself; what is asked on trial are golden records."""
    serving = parts.contract.serving
    by_log = serving.capture > 0 and serving.profile is Profile.SERVERLESS
    parts.endpoint_logs.keep(rollout.endpoint, request.log_days, request.keeper if by_log else "")
    if rollout.trial:
        parts.endpoint_logs.keep(rollout.name, request.log_days, "")


def _ground(request: PrepareRequest, parts: Preparation) -> Ground:
    """An A/B test is of the deployed version's own rollouts only, and ended before this where it cannot be."""
    ledger, serving = parts.ledger, parts.contract.serving
    endpoint = hosting.endpoint_of(parts.stage, request.model, serving.profile)
    test, challenger = _tried(request, parts) or (None, None)
    stands, state = ledger.endpoint(request.model), parts.endpoints.describe(endpoint)
    return Ground(
        stage=parts.stage,
        model=request.model,
        serving=serving,
        bucket_uri=parts.objects.uri(""),
        endpoint=endpoint,
        state=state,
        stands=stands,
        releases=ledger.releases(request.model),
        instance_type=parts.endpoints.instance_type(state.config) if state and state.config else "",
        serving_test=ledger.ab_test(request.model, stands.ab_serving),
        test=test,
        challenger=challenger,
    )


def _tried(request: PrepareRequest, parts: Preparation) -> tuple[AbTest, Package] | None:
    trying = Trying(parts.ledger, parts.objects, parts.registry, parts.contract.serving.profile, parts.signatures)
    return challenger_of(request.model, request.version, trying)


def _takes_challenger_off(request: PrepareRequest, parts: Preparation) -> bool:
    """Whether an A/B test has to end first, which is asked for here: the version comes to one that serves alone."""
    ledger, stands = parts.ledger, parts.ledger.endpoint(request.model)
    if not alone_first(stands, request.version, ledger.releases(request.model)):
        return False
    test = ledger.ab_test(request.model, stands.ab_test)
    won = test is not None and test.challenger == request.version
    outcome = AbEnding.PROMOTED if won else AbEnding.OVERTAKEN
    if stands.ab_test:
        ledger.end_ab_test(request.model, stands.ab_test, outcome, f"version {request.version} is approved")
    return True


def _after_test(request: PrepareRequest, fence: int, parts: Preparation) -> Rollout:
    """The deployed version's rollout takes the challenger off, and then asks for this one."""
    served = parts.ledger.endpoint(request.model).version
    reason = f"version {served} serves alone first: an A/B test beside it ends for this one, which comes after that"
    parts.ledger.give_up(request.model, fence, _release(request, Verdict.WAITING, reason, parts), withdraw=False)
    parts.queue.send(rollout_message(request.model, f"alone-v{request.version}-{request.attempt}"))
    return Rollout(Outcome.SUPERSEDED, reason, fence)


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
    newest = _due(request, package.group, stands, parts)
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
    """On the kind of endpoint that the contract asks for: another one is to be left. With the challenger asked for."""
    if not stands.as_asked:
        return False
    endpoint = hosting.endpoint_of(parts.stage, request.model, parts.contract.serving.profile)
    state = parts.endpoints.describe(endpoint)
    return state is not None and state.status not in SERVING_NOTHING and state.config == stands.config


def _due(request: PrepareRequest, group: str, stands: EndpointRecord, parts: Preparation) -> int:
    versions = parts.registry.versions(group)
    approved = (version for version, _, status in versions if status is Status.APPROVED)
    return to_serve(approved, stands, parts.ledger.releases(request.model))


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


def _release(request: PrepareRequest, verdict: Verdict, reason: str, parts: Preparation) -> Release:
    at = parts.clock.now().isoformat(timespec="milliseconds")
    return Release(request.version, request.attempt, request.package_arn, verdict.value, reason, at)
