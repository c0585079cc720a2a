"""What people are told of: how a run or a rollout ended, and what needs somebody; few words, no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from retide.domain.ledger import Approval, Release, RunRecord

SUBJECT_LIMIT: Final = 100  # characters that SNS takes
Notice = tuple[str, str]


def run_ended(stage: str, record: RunRecord, links: tuple[str, ...] = ()) -> Notice:
    """Subject and text; the links are for who is to approve the model."""
    reasons = "\n".join(record.reasons) or "no reason was given"
    said = (reasons, *((_asking(links),) if links else ()), f"retide explain {record.run}")
    return _notice(f"{stage}: run {record.run} {record.outcome}", "\n\n".join(said))


def reminder(stage: str, model: str, approval: Approval, expires: str, links: tuple[str, ...]) -> Notice:
    """To who is to approve a version and has not; `expires` is when it is too late, empty for never."""
    until = f"Nobody having decided, it is rejected {expires}." if expires else "It goes on waiting."
    text = f"Version {approval.version} of {model} waits for approval since {approval.waits_since[:16]} UTC. {until}"
    said = (text, *((_asking(links),) if links else ()), f"retide approve {model}@{approval.version}")
    return _notice(f"{stage}: {model} version {approval.version} still waits for approval", "\n\n".join(said))


def expired(stage: str, model: str, approval: Approval) -> Notice:
    return _notice(
        f"{stage}: {model} version {approval.version} rejected: nobody approved it",
        f"{approval.reason}\n\nretide approve {model}@{approval.version} approves it nevertheless",
    )


def _asking(links: tuple[str, ...]) -> str:
    lines = "\n".join(links)
    return f"{lines}\nEach opens a page that asks once more. Who has a link can decide: forward them with care."


def release_ended(stage: str, model: str, release: Release) -> Notice:
    if release.ab:
        began = release.verdict == "promoted"
        what = "an A/B test runs beside it" if began else f"its A/B test did not begin ({release.verdict})"
        return _notice(
            f"{stage}: {model} version {release.version}: {what}", f"{release.reason}\n\nretide ab status {model}"
        )
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
