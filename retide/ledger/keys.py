"""The keys of the ledger's items: one table, one partition a model, text that sorts as time and number do."""

from __future__ import annotations

import hashlib
from typing import Final

from retide.domain.layout import RunId
from retide.ports import Key

REFUSED: Final = "model#_refused"
OBJECT: Final = "object#"
PENDING: Final = "pending#"
REQUEST: Final = "request#"
WANTED: Final = "wanted#"
ACCEPTED: Final = "accepted#"
RUN: Final = "run#"
RELEASE: Final = "release#"
WITHDRAWAL: Final = "withdrawal#"
MESSAGE: Final = "message#"
HELD: Final = "held#"
EXPECTED: Final = "expected#"
OVERDUE: Final = "overdue#"
ERASED: Final = "erased#"
DEAD: Final = "dead#"
PREDICTION: Final = "prediction#"
ANNOUNCED: Final = "announced#"
APPROVAL: Final = "approval#"
OPEN_APPROVAL: Final = "undecided#"
AB_TEST: Final = "ab#"


def partition(model: str) -> str:
    return f"model#{model}"


def head(model: str) -> Key:
    return Key(partition(model), "head")


def deferral(model: str) -> Key:
    return Key(partition(model), "deferral")


def reconciled() -> Key:
    return Key(REFUSED, "reconciled")


def redriven(name: str) -> Key:
    return Key(REFUSED, f"redriven#{_short(name)}")


def dead_letter(name: str) -> Key:
    return Key(REFUSED, f"{DEAD}{_short(name)}")


def endpoint(model: str) -> Key:
    return Key(partition(model), "endpoint")


def object_version(model: str, object_id: str) -> Key:
    return Key(partition(model), f"{OBJECT}{object_id}")


def pending(model: str, arrived_at: str, object_id: str) -> Key:
    return Key(partition(model), f"{PENDING}{arrived_at}#{object_id}")


def accepted(model: str, arrived_at: str, object_id: str) -> Key:
    return Key(partition(model), f"{ACCEPTED}{arrived_at}#{object_id}")


def prediction(model: str, batch: str) -> Key:
    return Key(partition(model), f"{PREDICTION}{batch}")


def batch(model: str, name: str) -> Key:
    return Key(partition(model), f"batch#{_short(name)}")


def held_prefix(name: str) -> str:
    return f"{HELD}{_short(name)}#"


def held(model: str, name: str, object_id: str) -> Key:
    return Key(partition(model), f"{held_prefix(name)}{object_id}")


def expected(model: str, batch: str) -> Key:
    return Key(partition(model), f"{EXPECTED}{_short(batch)}")


def overdue(model: str, batch: str) -> Key:
    return Key(partition(model), f"{OVERDUE}{_short(batch)}")


def erased(model: str, object_id: str) -> Key:
    return Key(partition(model), f"{ERASED}{object_id}")


def marks(dataset: str = "") -> str:
    """The prefix of the marks on one dataset, or on all."""
    return f"mark#{dataset}#" if dataset else "mark#"


def mark(model: str, dataset: str, object_id: str) -> Key:
    return Key(partition(model), f"{marks(dataset)}{object_id}")


def receipts(model: str) -> str:
    """The partition of a model's receipts; those of no model lie beside the refusals."""
    return partition(model) if model else REFUSED


def message(model: str, name: str) -> Key:
    return Key(receipts(model), f"{MESSAGE}{_short(name)}")


def curated(model: str, sha256: str) -> Key:
    return Key(partition(model), f"curated#{sha256}")


def request(model: str, key: str) -> Key:
    return Key(partition(model), f"{REQUEST}{_short(key)}")


def wanted(model: str, key: str) -> Key:
    return Key(partition(model), f"{WANTED}{_short(key)}")


def generation(number: int) -> str:
    """The prefix of all attempts at one generation."""
    return f"{RUN}{number:06d}#"


def run(run_id: RunId) -> Key:
    return Key(partition(run_id.model), f"{generation(run_id.generation)}{run_id.attempt:03d}")


def basis(run_id: RunId) -> Key:
    return Key(partition(run_id.model), f"basis#{run_id}")


def release(model: str, version: int, attempt: int) -> Key:
    return Key(partition(model), f"{RELEASE}{version:06d}#{attempt:03d}")


def withdrawal(model: str, version: int) -> Key:
    return Key(partition(model), f"{WITHDRAWAL}{version:06d}")


def approval(model: str, version: int) -> Key:
    return Key(partition(model), f"{APPROVAL}{version:06d}")


def open_approval(model: str, version: int) -> Key:
    return Key(partition(model), f"{OPEN_APPROVAL}{version:06d}")


def ab_test(model: str, name: str) -> Key:
    return Key(partition(model), f"{AB_TEST}{name}")


def announced(model: str, name: str) -> Key:
    return Key(partition(model), f"{ANNOUNCED}{_short(name)}")


def refused(subject: str, reason: str) -> Key:
    return Key(REFUSED, f"refused#{_short(f'{subject}{chr(0)}{reason}')}")


def _short(text: str) -> str:
    """Folder names and keys may be longer than a sort key and hold anything; a hash of them does not."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
