"""What people are told of: how a run or a rollout ended, and what needs somebody; few words, no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from retide.domain.ledger import Release, RunRecord

SUBJECT_LIMIT: Final = 100  # characters that SNS takes
Notice = tuple[str, str]


def run_ended(stage: str, record: RunRecord) -> Notice:
    """Subject and text."""
    reasons = "\n".join(record.reasons) or "no reason was given"
    return _notice(f"{stage}: run {record.run} {record.outcome}", f"{reasons}\n\nretide explain {record.run}")


def release_ended(stage: str, model: str, release: Release) -> Notice:
    return _notice(
        f"{stage}: {model} version {release.version} {release.verdict}", f"{release.reason}\n\nretide explain {model}"
    )


def reconciled(stage: str, acts: tuple[str, ...]) -> Notice:
    """What the reconciler found and did; nothing is said where it found nothing."""
    return _notice(f"{stage}: reconciled", "\n".join(acts))


def unrecorded(stage: str, event: Mapping[str, Any]) -> Notice:
    """Of an execution that no step told of; `event` is Step Functions' own."""
    detail = event.get("detail")
    said = detail if isinstance(detail, Mapping) else {}
    name, status = said.get("name", "without a name"), said.get("status", "nobody knows what")
    words = [f"execution {name} ended as {status}.", *(str(said[at]) for at in ("error", "cause") if said.get(at))]
    return _notice(f"{stage}: execution {name} {status}", " ".join(words))


def _notice(subject: str, text: str) -> Notice:
    plain = subject.encode("ascii", "replace").decode()
    return plain[:SUBJECT_LIMIT], text
