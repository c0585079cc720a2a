"""Reconcile: start what was lost, take over what died, serve what should serve, redrive, and tell of delays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from retide.domain.hosting import endpoint_of
from retide.domain.intake import QUOTA_PAUSE, Batch
from retide.domain.ledger import AbEnding, EndpointRecord
from retide.domain.notice import reconciled
from retide.domain.rollout import FAILURES, Verdict, failures
from retide.ports import DeadLetters, Endpoints, EndpointState, Hosting, Kind, Letters, Notices
from retide.steps.challengers import no_challenger_any_more
from retide.steps.dead_letters import answer, redrive
from retide.steps.dispatcher import Dispatcher
from retide.steps.ensure_rollout import STARTED, due_rollout, start_rollout
from retide.steps.ensure_run import Ensured, ensure_run
from retide.steps.links import Links
from retide.steps.overdue_approvals import overdue_approvals
from retide.steps.take_object import settle_batch
from retide.steps.take_over import free_endpoint, take_over_run

GRACE: Final = timedelta(hours=1)  # that clients have to hear of another endpoint
MOVING: Final = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})


@dataclass(frozen=True, slots=True)
class Reconciler:
    """The ports that reconciling works with; `failures` are letters of functions and of notices."""

    intake: Dispatcher
    endpoints: Endpoints
    hosting: Hosting
    dead_letters: DeadLetters
    failures: Letters
    notices: Notices
    links: Links


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found and done, in words; `failed` says where it could not be."""

    outcome: str
    acts: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def reconcile(parts: Reconciler) -> Reconciled:
    """Every model by itself: what fails for one is told, and done for the others. Repeated, it finds nothing to do.

    People are told of what is new since the last time, before that is noted: who dies in between tells twice. Of
    approvals they are told one by one.
    """
    acts: list[str] = []
    failed: list[str] = []
    told: list[str] = []
    for model in parts.intake.catalogue.models:
        for look in LOOKS:
            _look(f"{model}: ", look, model, parts, acts, failed)
        _look(f"{model}: ", _approvals, model, parts, told, failed)
    _look("", _letters, "", parts, acts, failed)
    outcome = "failed" if failed else "reconciled" if acts or told else "nothing to do"
    done = Reconciled(outcome, (*acts, *told), tuple(failed))
    last = parts.intake.ledger.reconciliation()
    if (acts or failed) and (last is None or (last.acts, last.failed) != (done.acts, done.failed)):
        parts.notices.publish(*reconciled(parts.intake.stage, (*acts, *failed)))
    parts.intake.ledger.note_reconciled(done.outcome, done.acts, done.failed)
    return done


Look = Callable[[str, Reconciler], Iterator[str]]


def _look(prefix: str, look: Look, model: str, parts: Reconciler, acts: list[str], failed: list[str]) -> None:
    try:
        acts.extend(f"{prefix}{act}" for act in look(model, parts) if act)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the other models are looked after
        failed.append(f"{prefix}{type(error).__name__}: {error}")


def _runs(model: str, parts: Reconciler) -> Iterator[str]:
    yield take_over_run(model, parts.intake)
    ensured, ledger = ensure_run(model, parts.intake), parts.intake.ledger
    if ensured is Ensured.STARTED:
        yield f"started run {ledger.head(model).run(model)}, which nobody had started"
    if ensured is Ensured.DEFERRED and (deferral := ledger.deferral(model)):
        yield f"what waits is started {deferral.ends} ({deferral.delay}: {deferral.reason})"


def _approvals(model: str, parts: Reconciler) -> Iterator[str]:
    return overdue_approvals(model, parts.intake, parts.notices, parts.links)


def _batches(model: str, parts: Reconciler) -> Iterator[str]:
    hours = parts.intake.catalogue[model].contract.policy.batch_hours
    limit = parts.intake.clock.now() - timedelta(hours=hours)
    for batch in parts.intake.ledger.open_batches(model):
        if batch.manifest and settle_batch(model, batch.name, parts.intake):
            yield f"let go batch {batch.name!r}, which had become whole without anybody's noticing"
        elif datetime.fromisoformat(batch.since) < limit and parts.intake.ledger.report_batch(model, batch.name):
            yield _overdue(batch, hours)


def _overdue(batch: Batch, hours: int) -> str:
    return f"batch {batch.name!r} waits for more than {hours} hours with {batch.held} files: {batch.reason}"


def _tested(model: str, parts: Reconciler) -> Iterator[str]:
    """Is the challenger of an A/B test still one that may be tried?"""
    ledger, registry = parts.intake.ledger, parts.intake.registry
    test = ledger.ab_test(model, ledger.endpoint(model).ab_test)
    why = no_challenger_any_more(test, ledger.endpoint(model), registry) if test else ""
    if test and why and ledger.end_ab_test(model, test.name, AbEnding.STOPPED, why):
        yield f"ended the A/B test of version {test.challenger}: {why}"


def _served(model: str, parts: Reconciler) -> Iterator[str]:
    """Is the newest approved version deployed, and does its endpoint serve it?"""
    yield free_endpoint(model, parts.intake, parts.hosting)
    intake, stands = parts.intake, parts.intake.ledger.endpoint(model)
    newest = due_rollout(model, intake)
    endpoint = endpoint_of(intake.stage, model, intake.catalogue[model].contract.serving.profile)
    state = parts.endpoints.describe(endpoint)
    if stands.owner is None and newest is None and not stands.version and _answers(state):
        yield f"{endpoint} serves, though nothing was ever promoted to it: delete it"
    if newest is None and stands.version in stands.withdrawn and _answers(state):
        yield f"version {stands.version} serves on, though it was withdrawn: no other version is approved"
    if newest is None or stands.owner is not None or newest[0] < stands.standing:
        return
    if (state is not None and state.status in MOVING) or (newest[0] == stands.version and _serves(state, stands)):
        return
    version, arn = newest
    if failures(version, intake.ledger.releases(model)) >= FAILURES:
        yield f"version {version} failed to roll out {FAILURES} times: `retide approve {model}@{version}` tries again"
        return
    if until := _no_quota_before(model, version, intake):
        yield f"version {version} found no quota: it is rolled out after {until[:16]}"
        return
    if start_rollout(model, version, arn, intake) == STARTED:
        yield f"started a rollout of version {version}, which is approved and not served"


def _retired(model: str, parts: Reconciler) -> Iterator[str]:
    """An endpoint of the other kind, which clients have left for the one that serves now."""
    stands = parts.intake.ledger.endpoint(model)
    if not stands.retired or stands.owner is not None:
        return
    if parts.intake.clock.now() < datetime.fromisoformat(stands.retired_at) + GRACE:
        return
    gone = parts.hosting.delete(Kind.ENDPOINT, stands.retired)
    for kind in (Kind.CONFIG, Kind.MODEL):
        for name in parts.hosting.names(kind, stands.retired) if gone else ():
            parts.hosting.delete(kind, name)
    if gone:
        parts.intake.ledger.forget_retired(model, stands.retired)
        yield f"took away {stands.retired}: clients ask {stands.endpoint} since {stands.retired_at[:16]}"


def _answers(state: EndpointState | None) -> bool:
    return state is not None and state.status == "InService"


def _serves(state: EndpointState | None, stands: EndpointRecord) -> bool:
    """What was deployed last, with the challenger that is to be beside it."""
    return _answers(state) and state is not None and state.config == stands.config and stands.as_asked


def _no_quota_before(model: str, version: int, intake: Dispatcher) -> str:
    """Until when a version that SageMaker had no room for is left alone; empty where that is over."""
    tried = [release for release in intake.ledger.releases(model) if release.version == version]
    if not tried or tried[-1].verdict != Verdict.WAITING_FOR_QUOTA:
        return ""
    until = datetime.fromisoformat(tried[-1].at) + QUOTA_PAUSE
    return until.isoformat() if until > intake.clock.now() else ""


def _letters(_model: str, parts: Reconciler) -> Iterator[str]:
    yield from redrive(parts.dead_letters, parts.intake)
    yield from answer(parts.failures, parts.notices, parts.intake)


LOOKS: Final[tuple[Look, ...]] = (_batches, _runs, _tested, _served, _retired)
