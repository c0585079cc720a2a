"""Finish rollout: record how it ended, crown or withdraw the version, free the endpoint, ask for what is next."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain import rollout
from retide.domain.ledger import Champion, Release
from retide.domain.notice import release_ended
from retide.domain.package import Facts
from retide.domain.record import WAITING_FOR_QUOTA, Failure
from retide.domain.rollout import Verdict
from retide.ledger import Ledger
from retide.ports import Aliases, Clock, Executions, Notices, Queue, Registry, Status
from retide.steps.next_rollout import ask_for_next
from retide.steps.rollout_plan import NOBODY, Beside
from retide.steps.settle_approval import revoke


@dataclass(frozen=True, slots=True)
class FinishRequest:
    """`outcome` is the check's, or refused, failed, not checked; `error` is what the state machine caught.

    `previous_config` is what the endpoint served before this rollout, empty for nothing; `ab` is the A/B test that
    its config holds.
    """

    model: str
    version: int
    package_arn: str
    attempt: int
    execution: str
    fence: int
    endpoint: str
    name: str
    previous_config: str
    outcome: str
    reason: str
    error: Failure | None = None
    ab: Beside = NOBODY


@dataclass(frozen=True, slots=True)
class FinishResult:
    outcome: Verdict


@dataclass(frozen=True, slots=True)
class Finishing:
    """The ports that finishing works with, and its stage."""

    ledger: Ledger
    registry: Registry
    executions: Executions
    queue: Queue
    notices: Notices
    aliases: Aliases
    clock: Clock
    stage: str


def finish_rollout(request: FinishRequest, parts: Finishing) -> FinishResult:
    """A retry finds the attempt recorded, and does again what may not have come after that."""
    ledger, registry, stage = parts.ledger, parts.registry, parts.stage
    ended = ledger.release(request.model, request.version, request.attempt)
    if ended is None:
        ended = _release(request, parts)
        _write(request, ended, ledger, registry)
    if request.endpoint and ledger.endpoint(request.model).endpoint == request.endpoint:
        parts.aliases.point(stage, request.model, request.endpoint)
    _mark_withdrawn(request, ledger, registry)
    ask_for_next(
        request.model,
        request.version,
        request.attempt,
        ledger=ledger,
        registry=registry,
        queue=parts.queue,
        stage=stage,
    )
    parts.notices.publish(*release_ended(stage, request.model, ended))
    return FinishResult(Verdict(ended.verdict))


def _release(request: FinishRequest, parts: Finishing) -> Release:
    quota = request.error is not None and request.error.outcome == WAITING_FOR_QUOTA
    verdict = rollout.verdict(request.outcome, had_previous=bool(request.previous_config))
    verdict = Verdict.WAITING_FOR_QUOTA if quota else verdict
    return Release(
        version=request.version,
        attempt=request.attempt,
        package=request.package_arn,
        verdict=verdict.value,
        reason=f"{_reason(request)}{_instead_of(request, verdict, parts.ledger)}",
        at=parts.clock.now().isoformat(timespec="milliseconds"),
        config=request.name,
        previous=request.previous_config,
        steps=parts.executions.steps(request.execution),
        ab=request.ab.test,
    )


def _reason(request: FinishRequest) -> str:
    """A caught error in its own words; a check that could not be made says so before them."""
    if request.error is not None:
        return request.error.words
    if request.outcome == "not checked":
        return f"the check could not be made: {Failure(Cause=request.reason).words}"
    return request.reason


def _instead_of(request: FinishRequest, verdict: Verdict, ledger: Ledger) -> str:
    """Which withdrawn version a promoted one takes the place of, and why; empty where none does."""
    gone = ledger.endpoint(request.model).version
    note = ledger.withdrawal(request.model, gone) if verdict is Verdict.PROMOTED and gone != request.version else None
    return f"; it takes the place of version {gone}, which was withdrawn: {note.reason}" if note else ""


def _mark_withdrawn(request: FinishRequest, ledger: Ledger, registry: Registry) -> None:
    """In the registry as well, where whoever thinks of deploying it by hand will see it."""
    note = ledger.withdrawal(request.model, request.version)
    if note is not None and registry.describe(request.package_arn).status is Status.APPROVED:
        why = f"withdrawn: {note.reason}"
        revoke(request.model, request.package_arn, "the rollout", why, ledger=ledger, registry=registry)


def _write(request: FinishRequest, release: Release, ledger: Ledger, registry: Registry) -> None:
    """An A/B test that did not come about says nothing against the version beside which it was to run.

    It is over where its challenger is no good, or where it has failed to begin as often as a version may.
    """
    if release.verdict == Verdict.PROMOTED:
        ledger.promote(request.model, request.fence, release, _champion(request, registry), request.endpoint)
        return
    stands = ledger.endpoint(request.model)  # what serves on one kind of endpoint may fail on the other
    moves = stands.version == request.version and stands.endpoint not in ("", request.endpoint)
    own = not moves and not release.ab
    withdraw, so_far = own and rollout.withdrawn(request.outcome), ledger.releases(request.model)
    hopeless = rollout.failures(request.version, (*so_far, release)) >= rollout.FAILURES
    ends_test = release.verdict == Verdict.ROLLED_BACK or hopeless
    ledger.give_up(request.model, request.fence, release, withdraw=withdraw, ends_test=ends_test)


def _champion(request: FinishRequest, registry: Registry) -> Champion:
    facts = Facts.from_properties(registry.describe(request.package_arn).facts)
    return Champion(
        package_arn=request.package_arn,
        version=request.version,
        job=facts.job,
        dataset=facts.dataset,
        code_digest=facts.code_digest,
        contract_digest=facts.contract_digest,
        run=facts.run,
        image=facts.image,
        libs_digest=facts.libs_digest,
    )
