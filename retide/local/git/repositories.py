"""The bare repositories of the local git host: one folder each, read through the git command."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.local.git.hooks import write_hook

NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*")
NOTHING: Final = "0" * 40
CONFIGURATION: Final = (
    ("gc.auto", "0"),  # a forced push must not take a commit away that an execution waits to build
    ("receive.autogc", "false"),
    ("uploadpack.allowAnySHA1InWant", "true"),
)


class GitFailed(Exception):
    """The git command said no; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Commit:
    """`author_date` in ISO 8601."""

    id: str
    author_date: str
    message: str


@dataclass(frozen=True, slots=True)
class Repository:
    """One bare repository; `name` is owner/name."""

    name: str
    path: Path

    def head(self, branch: str) -> str | None:
        """The commit that the branch points to."""
        return self._resolved(f"refs/heads/{branch}")

    def commit(self, revision: str) -> Commit | None:
        """None when the repository has no such commit."""
        name = self._resolved(revision)
        if name is None:
            return None
        told = self._git("log", "-1", "--format=%aI%x00%B", name, "--").decode(errors="replace")
        date, message = told.split("\0", 1)
        return Commit(name, date, message.strip())

    def changed(self, before: str, after: str) -> tuple[str, ...]:
        """The paths that differ between two commits; all paths when there was nothing before."""
        if before == NOTHING:
            told = self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", after)
        else:
            told = self._git("diff", "--name-only", "-z", "--no-renames", before, after, "--")
        return tuple(path.decode(errors="surrogateescape") for path in told.split(b"\0") if path)

    def archive(self, commit: str) -> bytes:
        """The files of a commit as a ZIP, without history."""
        return self._git("archive", "--format=zip", commit)

    def _resolved(self, revision: str) -> str | None:
        """The commit that a name stands for; a tag stands for the one that it marks."""
        try:
            words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            return self._git(*words).decode().split()[-1]
        except GitFailed:
            return None

    def _git(self, *words: str) -> bytes:
        return run_git("--git-dir", str(self.path), *words)


class Repositories:
    """All repositories below one folder: they outlive the cloud."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, name: str) -> Repository:
        """The repository of that name, made when there is none. Raises ValueError for a bad name."""
        if not NAME.fullmatch(name) or name.endswith(".git") or ".." in name:
            raise ValueError(f"{name!r} is no name of a repository: it must look like owner/name")
        repository = Repository(name, self._root / f"{name}.git")
        if not (repository.path / "HEAD").is_file():
            repository.path.parent.mkdir(parents=True, exist_ok=True)
            run_git("init", "--quiet", "--bare", "--initial-branch=main", str(repository.path))
        for setting, value in CONFIGURATION:
            run_git("--git-dir", str(repository.path), "config", setting, value)
        write_hook(repository.path)
        return repository

    def find(self, name: str) -> Repository | None:
        path = self._root / f"{name}.git"
        return Repository(name, path) if NAME.fullmatch(name) and (path / "HEAD").is_file() else None

    def all(self) -> Iterator[Repository]:
        for head in sorted(self._root.glob("*/*.git/HEAD")):
            yield Repository(f"{head.parent.parent.name}/{head.parent.stem}", head.parent)


def run_git(*words: str) -> bytes:
    """What git printed. Raises GitFailed; the person's own configuration of git has no say."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    try:
        done = subprocess.run(["git", *words], env=environment, capture_output=True, check=False)
    except FileNotFoundError:
        raise GitFailed("there is no git on the PATH: install it") from None
    if done.returncode != 0:
        raise GitFailed(done.stderr.decode(errors="replace").strip() or f"git ended with {done.returncode}")
    return done.stdout
