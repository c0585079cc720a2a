"""The accounts of the intake: where every message that was received has gone, and whether the books balance.

received = processed + deduplicated + quarantined + refused + withdrawn + waiting + acted on + dead-lettered
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from retide.domain.intake import ARRIVED, KNOWN, REFUSED, Deferral, Parked, Receipt
from retide.domain.ledger import ObjectRecord, ObjectState


@dataclass(frozen=True, slots=True)
class Pointer:
    """An object that waits for a run: `run` holds it, `tried` is the run that failed on it."""

    object: str
    run: str | None = None
    tried: str | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """All that the ledger says of one model's intake; `held` and `accepted` are ids of objects.

    `parked` are the messages that name it and died in the queue.
    """

    receipts: tuple[Receipt, ...]
    objects: tuple[ObjectRecord, ...]
    pending: tuple[Pointer, ...] = ()
    held: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    deferral: Deferral | None = None
    parked: tuple[Parked, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """How many messages came to what; `waiting` by reason, `acted` are markers, wishes, approvals and deletions.

    `deduplicated` are messages of what was known and files whose rows were; `problems` say where books do not balance.
    `taken_out` counts the rows that lie in quarantine of the objects which were accepted in part. `dead_lettered` are
    messages of which nothing was taken: one with a receipt that died after that has its place by it.
    """

    received: int
    processed: int = 0
    deduplicated: int = 0
    quarantined: int = 0
    refused: int = 0
    withdrawn: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)
    acted: int = 0
    dead_lettered: int = 0
    taken_out: int = 0
    problems: tuple[str, ...] = ()

    @property
    def explained(self) -> int:
        ended = self.processed + self.deduplicated + self.quarantined + self.refused + self.withdrawn
        return ended + sum(self.waiting.values()) + self.acted + self.dead_lettered


def balance(books: Books) -> Account:
    """The account, and every entry that contradicts another."""
    outcomes = Counter(receipt.outcome for receipt in books.receipts)
    brought = [record for record in books.objects if record.message is not None]
    states = Counter(record.state for record in brought)
    dead = len(_untaken(books))
    account = Account(
        received=len(books.receipts) + dead,
        processed=states[ObjectState.ACCEPTED],
        deduplicated=outcomes[KNOWN] + states[ObjectState.DUPLICATE],
        quarantined=states[ObjectState.QUARANTINED],
        refused=outcomes[REFUSED] + states[ObjectState.REFUSED],
        withdrawn=states[ObjectState.WITHDRAWN],
        waiting=Counter(reason(record, books) for record in brought if not record.state.terminal),
        acted=sum(count for name, count in outcomes.items() if name not in {ARRIVED, KNOWN, REFUSED}),
        dead_lettered=dead,
        taken_out=sum(record.rejected or 0 for record in books.objects),
    )
    return replace(account, problems=tuple(_problems(books, account)))


def _untaken(books: Books) -> list[Parked]:
    """A message of S3's own may tell of several objects: each has a receipt named after it."""
    taken = {receipt.message.partition("/")[0] for receipt in books.receipts}
    return [letter for letter in books.parked if letter.message not in taken]


def reason(record: ObjectRecord, books: Books) -> str:
    """Why an object that has no outcome yet has none."""
    pointer = next((pointer for pointer in books.pending if pointer.object == record.id), None)
    if record.id in books.held:
        return "its batch is incomplete"
    if pointer is None:
        return "nobody knows"
    if pointer.run:
        return f"run {pointer.run} works on it"
    if books.deferral:
        return f"{books.deferral.delay}: {books.deferral.reason}"
    return f"run {pointer.tried} failed; the next one takes it" if pointer.tried else "its run is about to start"


def _problems(books: Books, account: Account) -> Iterator[str]:
    arrived = Counter(receipt.message for receipt in books.receipts if receipt.outcome == ARRIVED)
    messages = Counter(record.message for record in books.objects if record.message is not None)
    yield from (f"message {name} brought an object that is not there" for name in (arrived - messages).elements())
    yield from (f"message {name} brought more objects than it may" for name in (messages - arrived).elements())
    yield from _lost(books)
    yield from _data(books)
    if account.received != account.explained:
        yield f"{account.received} messages were received, {account.explained} are explained"


def _lost(books: Books) -> Iterator[str]:
    waiting = Counter([pointer.object for pointer in books.pending] + list(books.held))
    for record in books.objects:
        places = waiting.pop(record.id, 0)
        if places != (0 if record.state.terminal else 1):
            yield f"object {record.key} ({record.version}) is {record.state} and waits in {places} places"
    yield from (f"object {name} waits and is not there" for name in waiting)


def _data(books: Books) -> Iterator[str]:
    taken = Counter(record.id for record in books.objects if _is_data(record))
    used = Counter(books.accepted)
    yield from (f"object {name} was accepted and is not part of the data" for name in (taken - used).elements())
    yield from (f"object {name} is part of the data and was not accepted" for name in (used - taken).elements())


def _is_data(record: ObjectRecord) -> bool:
    return record.state is ObjectState.ACCEPTED and record.deleted_at is None
