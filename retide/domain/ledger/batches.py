"""What became of a batch of files that were to be predicted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """`outcome` is empty while it runs; `rows` = `predicted` + `bad`, over all files that could be read."""

    batch: str
    version: int
    execution: str
    started_at: str
    outcome: str = ""
    reason: str = ""
    files: int = 0
    refused: int = 0
    rows: int = 0
    predicted: int = 0
    bad: int = 0
    ended_at: str = ""
