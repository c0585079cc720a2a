"""Take object: what S3 says of a file under `incoming/` becomes what the ledger knows of it, once."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from retide.domain import layout, manifest
from retide.domain.events import ObjectBackfilled
from retide.domain.intake import ARRIVED, KNOWN, Receipt
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import Arrival
from retide.domain.manifest import BadManifest
from retide.domain.s3_events import ObjectArrived, ObjectDeleted, ObjectHidden
from retide.domain.untrusted import UnknownMessage
from retide.ports import ObjectGone, ObjectHead
from retide.steps.dispatcher import Dispatcher
from retide.steps.erase import erase

MANIFEST: Final = "manifest.json"
BATCH_COMPLETE: Final = "batch complete"


def take_object(message: ObjectArrived, model: str, name: str, parts: Dispatcher) -> str:
    """What became of the message called `name`, of an object that was not known when it was looked up.

    Whether a file makes its batch whole is asked once for all that a delivery brings: `settle_batch`.
    Raises UnknownMessage for an object that cannot be taken.
    """
    found = parts.objects.head(message.key, message.version)
    if found is None:
        if message.version and parts.ledger.object(model, ObjectVersion(message.key, message.version).id):
            return KNOWN  # it came in between, and is gone since
        raise UnknownMessage(f"version {message.version or '(current)'} was deleted before anybody could read it")
    batch = layout.incoming_batch(message.key)
    if message.key.rsplit("/", 1)[-1] in layout.MARKERS:
        return _take_marker(message, found, batch, model, parts)
    arrival = Arrival(message.key, found.version, found.etag, found.size, message.sequencer, parts.now())
    new = parts.ledger.arrive(model, arrival, batch, Receipt(name, model, ARRIVED, arrival.id, parts.now()))
    return ARRIVED if new else KNOWN


def take_backfilled(message: ObjectBackfilled, name: str, parts: Dispatcher) -> str:
    """As an object that arrives now, but in its old place: the batch that holds it back is the backfill."""
    if layout.incoming_model(message.key) != message.model:
        raise UnknownMessage(f"{message.key!r} is no file under incoming/{message.model}/")
    if parts.ledger.object(message.model, ObjectVersion(message.key, message.version).id):
        return KNOWN
    found = parts.objects.head(message.key, message.version)
    if found is None:
        raise UnknownMessage(f"version {message.version} was deleted before anybody could read it")
    arrival = Arrival(message.key, found.version, found.etag, found.size, "", message.at)
    receipt = Receipt(name, message.model, ARRIVED, arrival.id, parts.now())
    return ARRIVED if parts.ledger.arrive(message.model, arrival, message.backfill, receipt) else KNOWN


def settle_batch(model: str, batch: str, parts: Dispatcher, brought: AbstractSet[str] | None = None) -> bool:
    """Let a batch go whose manifest's files are all there; whether it is whole now.

    `brought` are the names of files that came just now; None has a look at everything. What is noted as missing is
    looked at once more: a file that came in between did not find itself among it.
    """
    ledger = parts.ledger
    expected = ledger.expected(model, batch) if brought is None else ledger.brought(model, batch, brought)
    if expected is None:
        return False
    try:
        listed = manifest.read(parts.objects.get(expected.key, expected.version))
    except ObjectGone:
        return False  # it is reported with its batch: another manifest, or _SUCCESS, makes the batch whole
    found = listed.sort(ledger.held_in(model, batch))
    while found.missing:
        noted = ledger.note_missing(model, batch, expected, found.missing)
        found = listed.sort(ledger.held_in(model, batch))
        if noted.issubset(found.missing):
            return False
    ledger.complete_batch(model, batch, expected.key, digests=found.digests, refused=found.refused)
    return True


def take_deletion(message: ObjectDeleted | ObjectHidden, model: str, parts: Dispatcher) -> str:
    """A version that is gone for good takes part in nothing new; one that is only hidden is still there."""
    if isinstance(message, ObjectHidden):
        return "hidden"
    return erase(ObjectVersion(message.key, message.version), model, parts.ledger, parts.objects, message.expired)


def _take_marker(message: ObjectArrived, found: ObjectHead, batch: str | None, model: str, parts: Dispatcher) -> str:
    key = message.key
    if batch is None:
        raise UnknownMessage("a marker completes a batch folder; directly under the model there is no batch")
    if not key.endswith(f"/{MANIFEST}"):
        parts.ledger.complete_batch(model, batch, key)
        return BATCH_COMPLETE
    _check_manifest(key, found, parts)
    new = parts.ledger.expect(model, batch, ObjectVersion(key, found.version), message.sequencer)
    whole = settle_batch(model, batch, parts)
    return BATCH_COMPLETE if whole else "manifest" if new else KNOWN


def _check_manifest(key: str, found: ObjectHead, parts: Dispatcher) -> None:
    if found.size > manifest.SIZE_LIMIT:
        raise UnknownMessage(f"manifest.json has {found.size} bytes, more than {manifest.SIZE_LIMIT}")
    try:
        manifest.read(parts.objects.get(key, found.version))
    except BadManifest as error:
        raise UnknownMessage(str(error)) from None
    except ObjectGone:
        raise UnknownMessage(f"version {found.version} was deleted before anybody could read it") from None
