"""What the linter found: a rule's code, the place in a file, and what is wrong there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    """An error fails the check; a warning fails it only where the caller is strict; a note never does."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`line` and `column` count from 1; `message` says what was seen. The rule of `code` says what to do about it."""

    file: Path
    line: int
    column: int
    code: str
    message: str
