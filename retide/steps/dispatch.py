"""Dispatch: the one way in; remember what arrived, once, and see to it that a run or a rollout takes it up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from retide.domain import layout, s3_events
from retide.domain.environment import package_group_name
from retide.domain.events import (
    BackfillEnded,
    ObjectBackfilled,
    PackageApproved,
    RetrainAsked,
    RolloutAsked,
    decode,
)
from retide.domain.intake import KNOWN, REFUSED, Receipt
from retide.domain.ledger import Cause, Refusal, Request
from retide.domain.s3_events import ObjectArrived, ObjectDeleted, ObjectEvent, ObjectHidden
from retide.domain.untrusted import UnknownMessage, shown
from retide.steps.dispatcher import Dispatcher
from retide.steps.ensure_rollout import serve_newest, start_rollout
from retide.steps.ensure_run import ensure_run
from retide.steps.take_object import BATCH_COMPLETE, take_backfilled, take_deletion, take_object

SUBJECT_LIMIT: Final = 1024  # characters of a refused key or name that are kept, and of the refused message:
MESSAGE_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a batch as the queue delivers it; `id` is the queue's, the same at each delivery of a message."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch; `failed` names the deliveries that must come again, with the reason each."""

    counts: dict[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one message: of which model it is, and whether that may need a run now."""

    model: str
    outcome: str
    wants_run: bool = False


def dispatch(deliveries: Sequence[Delivery], parts: Dispatcher) -> Report:
    """Take every delivery by itself: one that fails comes again alone, and the others are not held up by it."""
    report = Report()
    refusals: list[Refusal] = []
    wanted: dict[str, list[str]] = {}
    for delivery in deliveries:
        with _failing(report, [delivery.id]):
            for taken in _take(delivery, parts, refusals):
                report.counts[taken.outcome] = report.counts.get(taken.outcome, 0) + 1
                if taken.wants_run:
                    wanted.setdefault(taken.model, []).append(delivery.id)
    for model, ids in wanted.items():
        with _failing(report, ids):
            ensure_run(model, parts)
    return Report(report.counts, tuple(refusals), report.failed)


@contextmanager
def _failing(report: Report, ids: list[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, these deliveries alone come again
        report.failed.update(dict.fromkeys(ids, f"{type(error).__name__}: {error}"))


def _take(delivery: Delivery, parts: Dispatcher, refusals: list[Refusal]) -> Iterator[Taken]:
    """What became of each message of a delivery, remembered by a receipt: S3 may tell of several objects at once."""
    raw = _read(delivery.body)
    messages = list(s3_events.single(raw)) if isinstance(raw, Mapping) else [raw]
    for index, message in enumerate(messages):
        name = delivery.id if len(messages) == 1 else f"{delivery.id}/{index}"
        try:
            decoded = decode(message)
            taken = _HANDLERS[type(decoded)](decoded, name, parts)
        except UnknownMessage as reason:
            refusal = _refusal(message, delivery.body, str(reason), parts)
            parts.ledger.refuse(refusal)
            refusals.append(refusal)
            taken = Taken(_model_named(message, refusal, parts), REFUSED)
        parts.ledger.receive(Receipt(name, taken.model, taken.outcome, "", parts.now()))
        yield taken


def _read(body: str) -> object:
    """JSON, or the text itself where it is none (or so deep that nobody reads it)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _refusal(raw: object, body: str, reason: str, parts: Dispatcher) -> Refusal:
    stored = _subject(raw).encode("utf-8", "replace").decode()[:SUBJECT_LIMIT]
    return Refusal(stored, reason, parts.clock.now().isoformat(), {"text": body[:MESSAGE_LIMIT]})


def _subject(raw: object) -> str:
    """The key of the object or the model that a message names, as far as it can be made out."""
    message = raw if isinstance(raw, Mapping) else {}
    records = message.get("Records")
    record = records[0] if isinstance(records, list) and records else None
    for told in (message.get("detail"), record.get("s3") if isinstance(record, Mapping) else None):
        item = told.get("object") if isinstance(told, Mapping) else None
        if isinstance(item, Mapping):
            return str(item.get("key"))
    return str(message.get("model") or "message")


def _model_named(raw: object, refusal: Refusal, parts: Dispatcher) -> str:
    """The model that a refused message names, if there is such a model here; else nothing."""
    named = raw.get("model") if isinstance(raw, Mapping) else None
    model = named if isinstance(named, str) else layout.incoming_model(refusal.subject)
    return model if model is not None and model in parts.catalogue else ""


def _unknown_model(model: str, parts: Dispatcher) -> str:
    return f"there is no model {shown(model)}; this deployment has {', '.join(parts.catalogue.models) or 'none'}"


def _object(message: ObjectEvent, name: str, parts: Dispatcher) -> Taken:
    model = _model_of(message, parts)
    if isinstance(message, ObjectArrived):
        return Taken(model, take_object(message, model, name, parts), wants_run=True)
    return Taken(model, take_deletion(message, model, parts))


def _model_of(message: ObjectEvent, parts: Dispatcher) -> str:
    _check_account(message.account, parts)
    if message.bucket != parts.bucket:
        raise UnknownMessage(f"bucket {message.bucket!r} is not this deployment's ({parts.bucket})")
    if message.key.endswith("/"):
        raise UnknownMessage("this is a folder, not a file")
    model = layout.incoming_model(message.key)
    if model is None:
        raise UnknownMessage("data belongs under incoming/<model>/; this key names no model")
    return _known(model, parts)


def _check_account(account: str | None, parts: Dispatcher) -> None:
    """S3's own notifications do not tell the account; there the bucket's name, which nobody else can have, must do."""
    if account is not None and account != parts.account:
        raise UnknownMessage(f"account {shown(account)} is not this deployment's ({parts.account})")


def _known(model: str, parts: Dispatcher) -> str:
    if model not in parts.catalogue:
        raise UnknownMessage(_unknown_model(model, parts))
    return model


def _retrain(message: RetrainAsked, name: str, parts: Dispatcher) -> Taken:
    model = _known(message.model, parts)
    if message.cause is Cause.SUCCESSOR:
        return Taken(model, "successor", wants_run=True)
    request = Request(message.key, message.cause, message.reason, parts.now(), message.commit)
    new = parts.ledger.ask(model, request, Receipt(name, model, "asked", message.key, parts.now()))
    return Taken(model, "asked" if new else KNOWN, wants_run=True)


def _backfilled(message: ObjectBackfilled, name: str, parts: Dispatcher) -> Taken:
    _known(message.model, parts)
    return Taken(message.model, take_backfilled(message, name, parts), wants_run=True)


def _backfill_ended(message: BackfillEnded, _name: str, parts: Dispatcher) -> Taken:
    parts.ledger.complete_batch(_known(message.model, parts), message.backfill, "the end of a backfill")
    return Taken(message.model, BATCH_COMPLETE, wants_run=True)


def _approved(message: PackageApproved, _name: str, parts: Dispatcher) -> Taken:
    _check_account(message.account, parts)
    for model in parts.catalogue.models:
        if message.group == package_group_name(parts.stage, model):
            return Taken(model, start_rollout(model, message.version, message.arn, parts, approved_at=message.at))
    raise UnknownMessage(f"package group {message.group!r} belongs to none of {', '.join(parts.catalogue.models)}")


def _rollout(message: RolloutAsked, _name: str, parts: Dispatcher) -> Taken:
    model = _known(message.model, parts)
    return Taken(model, serve_newest(model, parts))


_HANDLERS: Final[dict[type, Callable[[Any, str, Dispatcher], Taken]]] = {
    ObjectArrived: _object,
    ObjectDeleted: _object,
    ObjectHidden: _object,
    PackageApproved: _approved,
    RetrainAsked: _retrain,
    RolloutAsked: _rollout,
    ObjectBackfilled: _backfilled,
    BackfillEnded: _backfill_ended,
}
