"""What a dataset is: the accepted objects in a contract's window, and an identity by their content alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from retide.domain.contract import Contract, Window
from retide.domain.severity import Severity
from retide.domain.split import bucket_threshold


@dataclass(frozen=True, slots=True)
class Part:
    """One accepted object of a dataset; `curated` is the sha256 of its rows, `event_to` its newest event (ISO 8601)."""

    id: str
    key: str
    version: str
    curated: str
    rows: int
    event_to: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The parts in the window, oldest first, and the event time (ISO 8601) before which their rows are left out."""

    parts: tuple[Part, ...]
    cutoff: str | None = None


def select(parts: Sequence[Part], window: Window) -> Selection:
    """`parts` come oldest first. Days are counted back from the newest event seen, never from today's date."""
    if window.batches:
        return Selection(tuple(parts[-window.batches :]))
    events = [datetime.fromisoformat(part.event_to) for part in parts if part.event_to]
    if not window.days or not events:
        return Selection(tuple(parts))
    if window.days > (max(events) - datetime.min.replace(tzinfo=UTC)).days:
        return Selection(tuple(parts))  # longer than the calendar
    cutoff = max(events) - timedelta(days=window.days)
    inside = (part for part in parts if part.event_to and datetime.fromisoformat(part.event_to) >= cutoff)
    return Selection(tuple(inside), cutoff.isoformat())


def dataset_id(selection: Selection, contract: Contract) -> str:
    """The hash of what the jobs would read: rows in their order and meaning, their cut, their split."""
    content = {
        "files": [part.curated for part in selection.parts],
        "cutoff": selection.cutoff,
        "bucket_threshold": bucket_threshold(contract),
        "rules": rules_digest(contract),
    }
    return _digest(content)[:32]


def rules_digest(contract: Contract) -> str:
    """sha256 of what data is held to: files judged under other rules than today's are judged again.

    What only warns refuses nobody: changing it makes no new dataset.
    """
    rules = contract.to_dict()
    names = ("task", "target", "id", "event_time", "missing", "format", "columns", "unique", "checks")
    policy = {name: rules["policy"][name] for name in ("max_missing", "reject_rows")}
    sections = ("rows", "freshness", "label", "leakage", "drift")
    refusing = {name: rules[name] for name in sections if rules[name]["severity"] == Severity.REFUSE}
    split = {"holdout_days": contract.period} if contract.period else {}
    return _digest({**{name: rules.get(name) for name in names}, **policy, **refusing, **split})


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
