"""Commands of a person who operates a stage: the `ledger`'s accounts, `reconcile` now, `backfill` old objects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol

import typer

from retide.cli.failures import CliError
from retide.cli.options import DEV, AnyModel, AsJson, StageName, TargetName, open_stage
from retide.cli.output import counted, out, plain, show_json, table
from retide.cli.stage import Stage
from retide.domain import layout
from retide.domain.accounting import Account, balance
from retide.domain.codec import serialise
from retide.domain.events import backfill_end_message, backfill_message
from retide.domain.intake import Origin, Parked
from retide.domain.layout import ObjectVersion
from retide.ledger import Ledger

SHOWN: Final = 300  # characters of a message
END_DELAY: Final = 10  # seconds by which the end comes later than what it ends
FIGURES: Final[Mapping[str, Callable[[Account], int]]] = {
    "received": lambda account: account.received,
    "processed": lambda account: account.processed,
    "deduplicated": lambda account: account.deduplicated,
    "quarantined": lambda account: account.quarantined,
    "refused": lambda account: account.refused,
    "withdrawn": lambda account: account.withdrawn,
    "dead-lettered": lambda account: account.dead_lettered,
    "acted on": lambda account: account.acted,
    "waiting": lambda account: sum(account.waiting.values()),
}


def ledger(model: AnyModel = None, stage: StageName = DEV, target: TargetName = None, as_json: AsJson = False) -> None:
    """Show where every message that was received has gone; exit code 1 where the books do not balance."""
    opened = open_stage(stage, target)
    accounts = {name: balance(opened.ledger.books(name)) for name in opened.chosen(model)}
    foreign = len(opened.ledger.receipts(""))
    dead = sum(_waiting_in(opened, output) for output in ("ArrivalsDlqUrl", "FailuresQueueUrl"))
    parked = opened.ledger.parked()
    if as_json:
        letters = {"dead_letters": dead, "dead_lettered": serialise(parked)}
        show_json({"models": serialise(accounts), "refused_for_no_model": foreign, **letters})
    else:
        _show(accounts, foreign, dead, parked)
    if any(account.problems for account in accounts.values()):
        raise CliError("the books do not balance; while something moves that may pass, otherwise it is an error")


Redrive = Annotated[
    bool, typer.Option("--redrive", help="First send again what is dead-lettered, and put away what cannot be.")
]


def reconcile(redrive: Redrive = False, stage: StageName = DEV, target: TargetName = None) -> None:
    """Look after every model now: start what was lost, take over what died, serve what is approved."""
    opened = open_stage(stage, target)
    if redrive:
        for line in _resent(resend(opened.ledger, opened.queue)):
            out().print(line, markup=False, soft_wrap=True)
    answer = opened.clients.functions.invoke(FunctionName=opened.output("ReconcileFunction"), Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError", ""):
        raise CliError(f"not everything could be looked after: {said.get('errorMessage', said)}")
    for act in said["acts"] or ["nothing to do"]:
        out().print(act, markup=False, soft_wrap=True)


class Mailbox(Protocol):
    def send_text(self, body: str) -> None: ...


def resend(ledger: Ledger, queue: Mailbox) -> Counter[Origin]:
    """Send every parked message again, and put away what is none; how many of each there were.

    One that is cut off in between is sent twice, which dispatch tells apart.
    """
    letters = ledger.parked()
    for letter in letters:
        if letter.origin is Origin.ARRIVALS:
            queue.send_text(letter.body)
        ledger.unpark(letter.name)
    return Counter(letter.origin for letter in letters)


def _resent(letters: Counter[Origin]) -> Iterator[str]:
    yield f"sent {counted(letters[Origin.ARRIVALS], 'dead letter')} again"
    if failures := letters[Origin.FUNCTION]:
        yield f"put away {counted(failures, 'failure')} of functions, which nobody has to take again"


def backfill(
    prefix: Annotated[str, typer.Argument(help="Keys that begin so, under incoming/<model>/.")],
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Take in objects that are there and that nobody told of, in the order of their making, as one batch."""
    told = fill(open_stage(stage, target), prefix)
    out().print(f"sent {counted(told.sent, 'object')} of {told.model}; {told.known} were known already", markup=False)


@dataclass(frozen=True, slots=True)
class Filled:
    """How many versions of objects of a model were sent, and how many the ledger knew."""

    model: str
    sent: int
    known: int


def fill(stage: Stage, prefix: str) -> Filled:
    """Send what the ledger does not know, and then that this was all; raises CliError for another place."""
    wanted = prefix.removeprefix(f"s3://{stage.bucket}/")
    model = layout.incoming_model(f"{wanted}x")
    if model is None:
        raise CliError(f"{prefix!r} is not under incoming/<model>/: copy the objects there, which is all it takes")
    stage.model(model)
    found = sorted(_objects(stage, wanted), key=lambda item: (item.at, item.version.key))
    new = [item for item in found if stage.ledger.object(model, item.version.id) is None]
    batch, begun = _batch(stage, model, wanted)
    messages = (backfill_message(model, item.version.key, item.version.version, item.at, batch) for item in new)
    stage.queue.send_many(messages)
    if new or begun:
        stage.queue.send(backfill_end_message(model, batch), delay_seconds=END_DELAY)
    return Filled(model, len(new), len(found) - len(new))


@dataclass(frozen=True, slots=True)
class _Listed:
    """A version of an object and when S3 took it, in ISO 8601."""

    version: ObjectVersion
    at: str


def _objects(stage: Stage, prefix: str) -> Iterator[_Listed]:
    """Every version of every object that is not hidden by a delete marker."""
    pages = stage.clients.s3.get_paginator("list_object_versions").paginate(Bucket=stage.bucket, Prefix=prefix)
    versions: list[Any] = []
    hidden: set[str] = set()
    for page in pages:
        versions += page.get("Versions", [])
        hidden |= {marker["Key"] for marker in page.get("DeleteMarkers", []) if marker["IsLatest"]}
    for item in versions:
        key = item["Key"]
        if key not in hidden and not key.endswith("/") and key.rpartition("/")[2] not in layout.MARKERS:
            at = item["LastModified"].astimezone(UTC).isoformat(timespec="microseconds")
            yield _Listed(ObjectVersion(key, item["VersionId"]), at)


def _batch(stage: Stage, model: str, prefix: str) -> tuple[str, bool]:
    """The backfill of this prefix that was cut off before its end, or a new one; and whether it was begun before."""
    name = f"backfill of {prefix} at "
    begun = [batch.name for batch in stage.ledger.open_batches(model) if batch.name.startswith(name)]
    return (begun[0], True) if begun else (f"{name}{datetime.now(UTC).isoformat(timespec='seconds')}", False)


def _waiting_in(stage: Stage, output: str) -> int:
    asked = stage.clients.sqs.get_queue_attributes(
        QueueUrl=stage.output(output), AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


def _show(accounts: dict[str, Account], foreign: int, dead: int, parked: tuple[Parked, ...]) -> None:
    rows = table("messages", *(f">{model}" for model in accounts))
    for title, count in FIGURES.items():
        rows.add_row(title, *(str(count(account)) for account in accounts.values()))
    out().print(rows)
    for line in (*_remarks(accounts, foreign, dead), *_dead_lettered(parked)):
        out().print(line, markup=False, soft_wrap=True)


def _remarks(accounts: dict[str, Account], foreign: int, dead: int) -> Iterable[str]:
    for model, account in accounts.items():
        yield from (f"{model}: {count} waiting: {reason}" for reason, count in account.waiting.items())
        if account.taken_out:
            yield f"{model}: {counted(account.taken_out, 'row')} of files accepted in part lie in quarantine"
        yield from (f"{model}: the books do not balance: {problem}" for problem in account.problems)
    if foreign:
        yield f"{counted(foreign, 'message')} that belong to no model were refused"
    yield f"{counted(dead, 'dead letter')}" if dead else "no dead letters"


def _dead_lettered(parked: tuple[Parked, ...]) -> Iterator[str]:
    for letter in parked:
        why = f" ({plain(letter.why)})" if letter.why else ""
        yield f"dead-lettered {letter.at[:16]}{why}: {plain(letter.body)[:SHOWN]}"
    if parked:
        yield f"{counted(len(parked), 'letter')} kept: once the cause is gone, `retide reconcile --redrive`"
