"""Erase: an object's version was deleted; it takes part in nothing new, and the datasets that hold it are marked."""

from __future__ import annotations

import json
from collections.abc import Iterable

from retide.domain import layout
from retide.domain.intake import KNOWN, Erasure, Mark
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import ObjectState
from retide.ledger import Ledger
from retide.ports import ObjectGone, Objects


def erase(version: ObjectVersion, model: str, ledger: Ledger, objects: Objects, expired: bool) -> str:
    """What became of it. Housekeeping that deletes an old version (`expired`) says nothing about what was judged."""
    record = ledger.object(model, version.id)
    if record is None or (expired and record.state.terminal):
        return KNOWN
    state = ledger.erase(model, version.id)
    if state is ObjectState.ACCEPTED:
        champion = ledger.head(model).champion
        names = {run.dataset for run in ledger.runs(model)} | {champion.dataset if champion else None}
        mark_datasets(model, (name for name in names if name), ledger, objects)
    return "erased"


def mark_datasets(model: str, datasets: Iterable[str], ledger: Ledger, objects: Objects) -> None:
    """Mark each of these datasets that holds rows of an object which was deleted since."""
    erasures = {erasure.object: erasure for erasure in ledger.erasures(model)}
    for dataset in datasets if erasures else ():
        for name in _members(model, dataset, objects) & erasures.keys():
            ledger.mark_dataset(model, _mark(dataset, erasures[name]))


def _members(model: str, dataset: str, objects: Objects) -> set[str]:
    """Ids of the objects that a dataset holds; none where it does not exist any more."""
    try:
        manifest = json.loads(objects.get(layout.dataset(model, dataset, "manifest.json")))
    except ObjectGone:
        return set()
    return {part["id"] for part in manifest["objects"]}


def _mark(dataset: str, erasure: Erasure) -> Mark:
    return Mark(dataset, erasure.object, erasure.key, erasure.at)
