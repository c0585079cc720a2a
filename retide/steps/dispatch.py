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
    AbTestAsked,
    AbTestEnded,
    BackfillEnded,
    ObjectBackfilled,
    PackageApproved,
    RetrainAsked,
    RollbackAsked,
    RolloutAsked,
    decode,
)
from retide.domain.intake import ARRIVED, KNOWN, REFUSED, Receipt
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import Cause, ObjectState, Refusal, Request
from retide.domain.s3_events import ObjectArrived, ObjectDeleted, ObjectEvent, ObjectHidden
from retide.domain.untrusted import UnknownMessage, shown
from retide.steps.ab_tests import begin_ab_test, finish_ab_test
from retide.steps.dispatcher import Dispatcher
from retide.steps.ensure_rollout import serve_newest, start_rollout
from retide.steps.ensure_run import ensure_run
from retide.steps.refuse import model_named, refusal_of
from retide.steps.roll_back import roll_back
from retide.steps.take_object import BATCH_COMPLETE, settle_batch, take_backfilled, take_deletion, take_object


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
    """What became of one message: of which model it is, and whether that may need a run now.

    `receipted` says that its receipt was written together with what it brought; `batch` may be whole by its `file`.
    """

    model: str
    outcome: str
    wants_run: bool = False
    receipted: bool = False
    batch: str | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of a delivery; `name` is its own, `said` what it says, or why that cannot be understood."""

    delivery: Delivery
    name: str
    raw: object
    said: Any


def dispatch(deliveries: Sequence[Delivery], parts: Dispatcher) -> Report:
    """Take every delivery by itself: one that fails comes again alone, and the others are not held up by it.

    What is known already is looked up at once for all of them, and their receipts are written at once: of a storm most
    is known.
    """
    report = Report()
    refusals: list[Refusal] = []
    taken = list(_take_all(deliveries, parts, report, refusals))
    with _failing(report, [delivery.id for delivery in deliveries]):
        parts.ledger.receive(*(_receipt(message, one, parts) for message, one in taken if not one.receipted))
    wanted: dict[str, list[str]] = {}
    for model, ids in (*_waiting(taken), *_whole_batches(taken, parts, report)):
        wanted.setdefault(model, []).extend(ids)
    for model, ids in wanted.items():
        with _failing(report, ids):
            ensure_run(model, parts)
    return Report(report.counts, tuple(refusals), report.failed)


def _take_all(
    deliveries: Sequence[Delivery], parts: Dispatcher, report: Report, refusals: list[Refusal]
) -> Iterator[tuple[_Message, Taken]]:
    messages = [message for delivery in deliveries for message in _messages(delivery)]
    known = _known_objects(messages, parts)
    for message in messages:
        with _failing(report, [message.delivery.id]):
            taken = _take(message, known, parts, refusals)
            report.counts[taken.outcome] = report.counts.get(taken.outcome, 0) + 1
            yield message, taken


def _receipt(message: _Message, taken: Taken, parts: Dispatcher) -> Receipt:
    return Receipt(message.name, taken.model, taken.outcome, "", parts.now())


def _waiting(taken: Sequence[tuple[_Message, Taken]]) -> Iterator[tuple[str, list[str]]]:
    """The models that may need a run, and by whose word."""
    return ((one.model, [message.delivery.id]) for message, one in taken if one.wants_run)


def _whole_batches(
    taken: Sequence[tuple[_Message, Taken]], parts: Dispatcher, report: Report
) -> Iterator[tuple[str, list[str]]]:
    """Look once at each batch that files came for; the models of those that are whole now, and by whose word."""
    brought: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for message, one in taken:
        if one.batch is not None:
            brought.setdefault((one.model, one.batch), []).append((message.delivery.id, one.file))
    for (model, batch), files in brought.items():
        ids = [name for name, _ in files]
        with _failing(report, ids):
            if settle_batch(model, batch, parts, frozenset(file for _, file in files)):
                yield model, ids


@contextmanager
def _failing(report: Report, ids: list[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, these deliveries alone come again
        report.failed.update(dict.fromkeys(ids, f"{type(error).__name__}: {error}"))


def _messages(delivery: Delivery) -> Iterator[_Message]:
    """The messages of a delivery: S3 may tell of several objects at once."""
    raw = _read(delivery.body)
    found = list(s3_events.single(raw)) if isinstance(raw, Mapping) else [raw]
    for index, message in enumerate(found):
        name = delivery.id if len(found) == 1 else f"{delivery.id}/{index}"
        yield _Message(delivery, name, message, _said(message))


def _said(raw: object) -> object:
    try:
        return decode(raw)
    except UnknownMessage as reason:
        return reason


def _known_objects(messages: Sequence[_Message], parts: Dispatcher) -> Mapping[str, ObjectState]:
    """The states of the objects that were told of before, by their ids."""
    named = [
        (model, ObjectVersion(said.key, said.version))
        for said in (message.said for message in messages)
        if isinstance(said, ObjectArrived) and said.version and (model := layout.incoming_model(said.key))
    ]
    return parts.ledger.states((model, version.id) for model, version in named)


def _take(message: _Message, known: Mapping[str, ObjectState], parts: Dispatcher, refusals: list[Refusal]) -> Taken:
    """What became of a message; one that cannot be taken is refused, and kept with the reason."""
    try:
        if isinstance(message.said, UnknownMessage):
            raise message.said
        if isinstance(message.said, ObjectArrived):
            return _arrived(message.said, message.name, known, parts)
        return _HANDLERS[type(message.said)](message.said, message.name, parts)
    except UnknownMessage as reason:
        refusal = refusal_of(message.raw, message.delivery.body, str(reason), parts)
        parts.ledger.refuse(refusal)
        refusals.append(refusal)
        return Taken(model_named(message.raw, refusal, parts), REFUSED)


def _read(body: str) -> object:
    """JSON, or the text itself where it is none (or so deep that nobody reads it)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _unknown_model(model: str, parts: Dispatcher) -> str:
    return f"there is no model {shown(model)}; this deployment has {', '.join(parts.catalogue.models) or 'none'}"


def _arrived(message: ObjectArrived, name: str, known: Mapping[str, ObjectState], parts: Dispatcher) -> Taken:
    """Of an object that is known and waits, what follows may have been lost: the look at its batch, or its run."""
    model = _model_of(message, parts)
    state = known.get(ObjectVersion(message.key, message.version).id) if message.version else None
    outcome = take_object(message, model, name, parts) if state is None else KNOWN
    waits = state in {None, ObjectState.PENDING}
    file = message.key.rpartition("/")[2]
    batch = layout.incoming_batch(message.key) if waits and file not in layout.MARKERS else None
    return Taken(model, outcome, wants_run=waits, receipted=outcome == ARRIVED, batch=batch, file=file)


def _removed(message: ObjectDeleted | ObjectHidden, _name: str, parts: Dispatcher) -> Taken:
    model = _model_of(message, parts)
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
    return Taken(model, "asked" if new else KNOWN, wants_run=True, receipted=new)


def _backfilled(message: ObjectBackfilled, name: str, parts: Dispatcher) -> Taken:
    _known(message.model, parts)
    outcome = take_backfilled(message, name, parts)
    return Taken(message.model, outcome, wants_run=True, receipted=outcome == ARRIVED)


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


def _rollback(message: RollbackAsked, _name: str, parts: Dispatcher) -> Taken:
    return Taken(_known(message.model, parts), roll_back(message, parts))


def _ab_test(message: AbTestAsked, _name: str, parts: Dispatcher) -> Taken:
    return Taken(_known(message.model, parts), begin_ab_test(message, parts))


def _ab_end(message: AbTestEnded, _name: str, parts: Dispatcher) -> Taken:
    return Taken(_known(message.model, parts), finish_ab_test(message, parts))


_HANDLERS: Final[dict[type, Callable[[Any, str, Dispatcher], Taken]]] = {
    ObjectDeleted: _removed,
    ObjectHidden: _removed,
    PackageApproved: _approved,
    RetrainAsked: _retrain,
    RolloutAsked: _rollout,
    RollbackAsked: _rollback,
    AbTestAsked: _ab_test,
    AbTestEnded: _ab_end,
    ObjectBackfilled: _backfilled,
    BackfillEnded: _backfill_ended,
}
