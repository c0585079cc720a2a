"""A git host for this machine: bare repositories under the cloud's home, and word of every push to who listens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from retide.local.git.pushes import Push, RefKind
from retide.local.git.repositories import NOTHING, GitFailed, Repositories, Repository
from retide.local.interfaces import Json, Route, Settings

KINDS: Final = {"refs/heads/": RefKind.BRANCH, "refs/tags/": RefKind.TAG}
MEMBERS: Final = ("repository", "ref", "before", "after")

Listener = Callable[[Push], str]
"""Says in one line what the push has started, or why it has started nothing."""


class GitHost:
    """What a person would do on the website of a git host, as requests of the local cloud."""

    def __init__(self, settings: Settings) -> None:
        self.repositories = Repositories(settings.home / "git")
        self._listener: Listener = lambda push: f"nothing starts: no pipeline has a source in {push.repository}"

    @property
    def routes(self) -> Mapping[str, Route]:
        return {"/_retide/repositories": self._repositories, "/_retide/pushes": self._pushes}

    def listen(self, listener: Listener) -> None:
        """Tell this one of every branch and tag that is moved."""
        self._listener = listener

    def close(self) -> None:
        """Nothing runs here: git ends with each request."""

    def _repositories(self, method: str, rest: str, body: bytes) -> tuple[int, Json]:
        if method == "GET" and not rest.strip("/"):
            return 200, {"repositories": [_described(one) for one in self.repositories.all()]}
        given = _parsed(method, body, ("repository",))
        try:
            return 200, _described(self.repositories.create(given["repository"]))
        except GitFailed as problem:
            raise ValueError(f"{given['repository']}: {problem}") from None

    def _pushes(self, method: str, _rest: str, body: bytes) -> tuple[int, Json]:
        given = _parsed(method, body, MEMBERS)
        repository = self.repositories.find(given["repository"])
        if repository is None:
            raise ValueError(f"there is no repository {given['repository']!r}: make it with /_retide/repositories")
        try:
            return 200, {"message": self._received(repository, given)}
        except GitFailed as problem:
            raise ValueError(f"{given['ref']} of {repository.name}: {problem}") from None

    def _received(self, repository: Repository, given: Mapping[str, str]) -> str:
        ref, before, after = given["ref"], given["before"], given["after"]
        prefix = next((prefix for prefix in KINDS if ref.startswith(prefix)), None)
        if prefix is None:
            return f"nothing starts: {ref} is neither a branch nor a tag"
        if after == NOTHING:
            return f"nothing starts: {ref} was deleted"
        commit = repository.commit(after)
        if commit is None:
            return f"nothing starts: {ref} points to no commit"
        files = repository.changed(before, after)
        return self._listener(Push(repository.name, KINDS[prefix], ref.removeprefix(prefix), commit.id, files))


def _described(repository: Repository) -> Json:
    return {"repository": repository.name, "path": str(repository.path)}


def _parsed(method: str, body: bytes, members: tuple[str, ...]) -> dict[str, str]:
    """Raises ValueError for anything but a POST of a JSON object with exactly these texts."""
    given = json.loads(body) if method == "POST" else None
    if not isinstance(given, dict) or set(given) != set(members) or not all(isinstance(v, str) for v in given.values()):
        raise ValueError(f"POST a JSON object with the texts {', '.join(members)}")
    return given


def install(settings: Settings) -> GitHost:
    """Serve repositories from the cloud's home."""
    return GitHost(settings)
