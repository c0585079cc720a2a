"""One ref that a push has moved, as those see it who wait for pushes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RefKind(Enum):
    BRANCH = "branch"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Push:
    """The ref's short name, the commit that it points to now, and the paths that differ from what was before."""

    repository: str
    kind: RefKind
    name: str
    commit: str
    files: tuple[str, ...]
