"""Reads metrics out of a job's log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from retide.local.interfaces import Json


def final_metrics(definitions: list[Mapping[str, str]], file: Path, at: datetime) -> list[Json]:
    """The last value that each metric's regular expression finds in the log."""
    text = file.read_text(encoding="utf-8", errors="replace") if definitions else ""
    return [
        {"MetricName": definition["Name"], "Value": value, "Timestamp": at}
        for definition in definitions
        if (value := _last_number(definition["Regex"], text)) is not None
    ]


def _last_number(regex: str, text: str) -> float | None:
    found = None
    for match in re.finditer(regex, text):
        found = _number(match.group(1)) if match.re.groups else None
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
