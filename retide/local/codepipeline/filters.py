"""Decides whether a push starts a pipeline: by its branch or tag and by the files that it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retide.local.codepipeline.globs import matches
from retide.local.git.pushes import Push, RefKind


@dataclass(frozen=True, slots=True)
class Patterns:
    """Without includes everything is included; an exclude wins over an include."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def admit(self, text: str) -> bool:
        included = not self.includes or _any(self.includes, text)
        return included and not _any(self.excludes, text)


@dataclass(frozen=True, slots=True)
class PushFilter:
    """All criteria that are given must hold; a push of branches has no tag and the other way round."""

    branches: Patterns | None = None
    files: Patterns | None = None
    tags: Patterns | None = None

    def admits(self, push: Push) -> bool:
        if push.kind is RefKind.TAG:
            return self.tags is not None and self.tags.admit(push.name)
        return self.tags is None and self._admits_branch(push)

    def _admits_branch(self, push: Push) -> bool:
        if self.branches is not None and not self.branches.admit(push.name):
            return False
        return self.files is None or any(self.files.admit(path) for path in push.files)


@dataclass(frozen=True, slots=True)
class Trigger:
    """Starts the pipeline when any of the filters admits; without a filter, on pushes to the action's own branch."""

    source_action: str
    filters: tuple[PushFilter, ...] = ()

    def admits(self, push: Push, branch: str) -> bool:
        """`branch` is the one that the source action names."""
        if not self.filters:
            return push.kind is RefKind.BRANCH and push.name == branch
        return any(one.admits(push) for one in self.filters)


def _any(patterns: Sequence[str], text: str) -> bool:
    return any(matches(pattern, text) for pattern in patterns)
