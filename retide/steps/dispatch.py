"""Dispatch: the one way in; remember what arrived, once, and see to it that a run or a rollout takes it up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from retide.domain import layout
from retide.domain.catalogue import Catalogue
from retide.domain.environment import package_group_name
from retide.domain.events import (
    Message,
    ObjectArrived,
    PackageApproved,
    RetrainAsked,
    RolloutAsked,
    UnknownMessage,
    decode,
)
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import Arrival, Cause, Refusal, Request
from retide.domain.rollout import Verdict
from retide.ledger import Ledger
from retide.ports import Clock, Executions, Machine, Objects, Registry, Start, Status

TRIES: Final = 20
SECONDS: Final = len("2026-01-01T00:00:00")  # as far as the times of EventBridge go
SUBJECT_LIMIT: Final = 1024  # characters of a refused key or name that are kept, and of the refused message:
MESSAGE_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a batch as the queue delivers it."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch; `failed` names the deliveries that must come again, with the reason each."""

    counts: dict[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """The ports that dispatch works with, and the names of the parts of its stage."""

    ledger: Ledger
    objects: Objects
    executions: Executions
    registry: Registry
    clock: Clock
    catalogue: Catalogue
    bucket: str
    stage: str


def dispatch(deliveries: Sequence[Delivery], parts: Dispatcher) -> Report:
    """Take every delivery by itself: one that fails comes again alone, and the others are not held up by it."""
    report = Report()
    refusals: list[Refusal] = []
    wanted: dict[str, list[str]] = {}
    for delivery in deliveries:
        with _failing(report, [delivery.id]):
            model, outcome = _take(delivery, parts, refusals)
            report.counts[outcome] = report.counts.get(outcome, 0) + 1
            if model is not None:
                wanted.setdefault(model, []).append(delivery.id)
    for model, ids in wanted.items():
        with _failing(report, ids):
            ensure_run(model, parts)
    return Report(report.counts, tuple(refusals), report.failed)


def ensure_run(model: str, parts: Dispatcher) -> None:
    """Start the model's next run where something waits that no run has tried; one that runs already is enough."""
    if not _worth_a_run(model, parts.ledger):
        return
    for _ in range(TRIES):
        head = parts.ledger.head(model)
        run = head.run(model)
        payload = {
            "model": model,
            "generation": run.generation,
            "attempt": run.attempt,
            "run": str(run),
            "settle_seconds": parts.catalogue[model].contract.policy.settle_seconds,
        }
        if parts.executions.start(Machine.RETRAIN, str(run), payload) is not Start.ENDED:
            return
        parts.ledger.next_attempt(model, head)  # an execution that died before Claim costs an attempt
    raise RuntimeError(f"{TRIES} executions of {model} are used up one after the other; trying again later")


def _worth_a_run(model: str, ledger: Ledger) -> bool:
    """New code alone starts nothing before the first data came: its request waits for that."""
    waiting = ledger.waiting(model)
    only_code = not waiting.objects and all(wish.cause is Cause.CODE for wish in waiting.requests)
    return waiting.fresh and not (only_code and not ledger.accepted(model))


@contextmanager
def _failing(report: Report, ids: list[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, these deliveries alone come again
        report.failed.update(dict.fromkeys(ids, f"{type(error).__name__}: {error}"))


def _take(delivery: Delivery, parts: Dispatcher, refusals: list[Refusal]) -> tuple[str | None, str]:
    """The model that may need a run now, and what became of the delivery."""
    raw = _read(delivery.body)
    try:
        message = _decode(raw, parts)
        return _HANDLERS[type(message)](message, parts)
    except UnknownMessage as reason:
        refusal = _refusal(raw, delivery.body, str(reason), parts)
        parts.ledger.refuse(refusal)
        refusals.append(refusal)
        return None, "refused"


def _decode(raw: object, parts: Dispatcher) -> Message:
    message = decode(raw)
    if isinstance(message, RetrainAsked | RolloutAsked) and message.model not in parts.catalogue:
        raise UnknownMessage(_unknown_model(message.model, parts))
    return message


def _read(body: str) -> object:
    """JSON, or the text itself where it is none (or so deep that nobody reads it)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _refusal(raw: object, body: str, reason: str, parts: Dispatcher) -> Refusal:
    message = raw if isinstance(raw, dict) else {}
    detail = message.get("detail")
    item = detail.get("object") if isinstance(detail, dict) else None
    subject = str(item.get("key")) if isinstance(item, dict) else str(message.get("model") or "message")
    stored = subject.encode("utf-8", "replace").decode()[:SUBJECT_LIMIT]
    return Refusal(stored, reason, parts.clock.now().isoformat(), {"text": body[:MESSAGE_LIMIT]})


def _unknown_model(model: str, parts: Dispatcher) -> str:
    return f"there is no model {model!r}; this deployment has {', '.join(parts.catalogue.models) or 'none'}"


def _object(message: ObjectArrived, parts: Dispatcher) -> tuple[str | None, str]:
    model = _model_of(message, parts)
    if message.version and parts.ledger.object(model, ObjectVersion(message.key, message.version).id):
        return model, "known"  # whether or not that version still exists
    found = parts.objects.head(message.key, message.version)
    if found is None:
        raise UnknownMessage(f"version {message.version or '(current)'} was deleted before anybody could read it")
    batch = layout.incoming_batch(message.key)
    if message.key.rsplit("/", 1)[-1] in layout.MARKERS:
        if batch is None:
            raise UnknownMessage("a marker completes a batch folder; directly under the model there is no batch")
        parts.ledger.complete_batch(model, batch, message.key)
        return model, "batch complete"
    arrival = Arrival(message.key, found.version, found.etag, found.size, message.sequencer, _now(parts))
    new = parts.ledger.arrive(model, arrival, batch)
    return model, "arrived" if new else "known"


def _model_of(message: ObjectArrived, parts: Dispatcher) -> str:
    if message.bucket != parts.bucket:
        raise UnknownMessage(f"bucket {message.bucket!r} is not this deployment's ({parts.bucket})")
    if message.key.endswith("/"):
        raise UnknownMessage("this is a folder, not a file")
    model = layout.incoming_model(message.key)
    if model is None:
        raise UnknownMessage("data belongs under incoming/<model>/; this key names no model")
    if model not in parts.catalogue:
        raise UnknownMessage(_unknown_model(model, parts))
    return model


def _retrain(message: RetrainAsked, parts: Dispatcher) -> tuple[str | None, str]:
    if message.cause is Cause.SUCCESSOR:
        return message.model, "successor"
    request = Request(message.key, message.cause, message.reason, _now(parts), message.commit)
    new = parts.ledger.ask(message.model, request)
    return message.model, "asked" if new else "known"


def _approved(message: PackageApproved, parts: Dispatcher) -> tuple[str | None, str]:
    for model in parts.catalogue.models:
        if message.group == package_group_name(parts.stage, model):
            return None, _start_rollout(model, message.version, message.arn, parts, approved_at=message.at)
    raise UnknownMessage(f"package group {message.group!r} belongs to none of {', '.join(parts.catalogue.models)}")


def _rollout(message: RolloutAsked, parts: Dispatcher) -> tuple[str | None, str]:
    """Serve the newest approved package that was not withdrawn, also where it was deployed and serves no more."""
    withdrawn = parts.ledger.endpoint(message.model).withdrawn
    for version, arn, status in parts.registry.versions(package_group_name(parts.stage, message.model)):
        if status is Status.APPROVED and version not in withdrawn:
            return None, _start_rollout(message.model, version, arn, parts)
    return None, "nothing to roll out"


def _start_rollout(model: str, version: int, arn: str, parts: Dispatcher, approved_at: str = "") -> str:
    """Start the first attempt whose end is not recorded.

    With `approved_at`, one that ended later than that was this approval's: it is known. Without it, a rollout was
    asked for as such, so that any end may be followed by another attempt.
    """
    endpoint = parts.ledger.endpoint(model)
    if version < endpoint.version or version in endpoint.withdrawn or (approved_at and version == endpoint.version):
        return "known"
    for attempt in range(1, TRIES + 1):
        ended = parts.ledger.release(model, version, attempt)
        if ended is not None:
            if approved_at and ended.verdict != Verdict.WAITING and ended.at[:SECONDS] > approved_at[:SECONDS]:
                return "known"
            continue
        payload = {"model": model, "version": version, "package_arn": arn, "attempt": attempt}
        if parts.executions.start(Machine.ROLLOUT, f"{model}-v{version}-{attempt}", payload) is not Start.ENDED:
            return "rollout"
    raise RuntimeError(f"{TRIES} attempts to roll out {model} version {version} ended; look into the last one's record")


def _now(parts: Dispatcher) -> str:
    return parts.clock.now().isoformat(timespec="microseconds")


_HANDLERS: Final[dict[type, Callable[[Any, Dispatcher], tuple[str | None, str]]]] = {
    ObjectArrived: _object,
    PackageApproved: _approved,
    RetrainAsked: _retrain,
    RolloutAsked: _rollout,
}
