"""The broadenings that somebody wanted: infra/broadenings.yaml says which, by their ids, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

PLACE: Final = Path("infra/broadenings.yaml")


class AcknowledgementError(ValueError):
    """The file cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Of this change: reasons by the id of their broadening, and the ids that name no broadening of it."""

    reasons: Mapping[str, str]
    in_vain: tuple[str, ...]


def acknowledged(base: Path, head: Path, broadenings: Collection[str]) -> Acknowledged:
    """What the change itself adds to the file counts; what stands there from before is history."""
    before, after = read(base / PLACE), read(head / PLACE)
    new = {finding: reason for finding, reason in after.items() if finding not in before}
    return Acknowledged(
        {finding: reason for finding, reason in new.items() if finding in broadenings},
        tuple(sorted(new.keys() - set(broadenings))),
    )


def read(file: Path) -> dict[str, str]:
    """Reasons by id; a file that is not there acknowledges nothing. Raises AcknowledgementError."""
    if not file.is_file():
        return {}
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AcknowledgementError(f"{file}: cannot be read: {' '.join(str(error).split())}") from None
    if raw is not None and not isinstance(raw, list):
        raise AcknowledgementError(f"{file}: must be a list of entries with `finding` and `reason`")
    return dict(_entry(file, number, entry) for number, entry in enumerate(raw or [], start=1))


def _entry(file: Path, number: int, entry: Any) -> tuple[str, str]:
    if not isinstance(entry, dict) or set(entry) != {"finding", "reason"}:
        raise AcknowledgementError(
            f"{file}: entry {number} must have `finding` and `reason`, and nothing else: {entry!r}"
        )
    finding, reason = str(entry["finding"]), str(entry["reason"] or "").strip()
    if not reason:
        raise AcknowledgementError(f"{file}: entry {number} ({finding}) gives no reason")
    return finding, reason
