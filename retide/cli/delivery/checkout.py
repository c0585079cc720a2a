"""The checkout's own git, asked through the git command: commits of a branch, remotes, and what is not committed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.cli.failures import CliError

SECONDS: Final = 120  # a push over a slow line; everything else takes milliseconds
LOG: Final = ("log", "--first-parent", "--diff-merges=first-parent", "--name-only", "-z")
FORMAT: Final = "--format=%x01%H%x02%s%x02%an%x02%cI%x02"
SHOWN: Final = 10  # characters of a commit's name that people are shown


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a branch; `files` are the paths that differ from its first parent."""

    name: str
    subject: str
    author: str
    at: str
    files: tuple[str, ...]

    @property
    def short(self) -> str:
        return self.name[:SHOWN]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A git repository with its working tree at `root`."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> Checkout:
        """Raises CliError where `root` is no git checkout of its own, or holds no commit."""
        top = _git(root, "rev-parse", "--show-toplevel")
        if top.returncode or Path(top.stdout.strip()).resolve() != root.resolve():
            raise CliError(f"{root} is not a git checkout: run `git init`, commit the project, and try again")
        if _git(root, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
            raise CliError(f"{root} has no commit yet: commit the project with `git commit`, and try again")
        return cls(root)

    def say(self, *words: str) -> str:
        """What git prints; raises CliError with the line of it that names the cause."""
        ended = _git(self.root, *words)
        if ended.returncode:
            raise CliError(f"`git {' '.join(words)}` failed: {_why(ended.stderr or ended.stdout)}")
        return ended.stdout

    def head(self) -> str:
        return self.say("rev-parse", "HEAD").strip()

    def refuse_uncommitted(self) -> None:
        """A push delivers commits: raises CliError naming what would be left behind."""
        changed = self.say("status", "--porcelain", "--untracked-files=no").splitlines()
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise CliError(
                f"{changed[0][3:]}{more} changed and is not committed, and a push delivers commits only: "
                "commit it (or `git stash`), and try again"
            )

    def commit(self, name: str) -> str:
        """The whole name of the commit that a person means; raises CliError for none or several."""
        found = _git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.returncode == 0:
            return found.stdout.strip()
        several = _git(self.root, "rev-parse", f"--disambiguate={name}").stdout.split() if len(name) >= 4 else []
        if len(several) > 1:
            shown = ", ".join(one[:SHOWN] for one in several[:4])
            raise CliError(f"{name!r} may be any of {shown}: write more of the commit's name")
        raise CliError(f"{name!r} is no commit that this checkout knows: see `retide delivery list`, or `git fetch`")

    def commits(self, ref: str, limit: int) -> tuple[Commit, ...]:
        """The commits that led to `ref`, newest first; what a merge brought is the merge's."""
        listed = self.say(*LOG, FORMAT, f"--max-count={limit}", ref)
        return tuple(_commit(text) for text in listed.split("\x01")[1:])

    def named(self, names: Sequence[str]) -> tuple[Commit, ...]:
        """These commits by their whole names, in no order; one that this checkout does not have is left out."""
        listed = self.say(*LOG, FORMAT, "--no-walk", "--ignore-missing", *names) if names else ""
        return tuple(_commit(text) for text in listed.split("\x01")[1:])

    def ancestors(self, ref: str) -> frozenset[str]:
        """The names of all commits that `ref` leads to, its own included."""
        return frozenset(self.say("rev-list", ref).split())

    def has(self, ref: str) -> bool:
        return _git(self.root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").returncode == 0

    def remotes(self) -> Iterator[tuple[str, str]]:
        """Every remote's name and URL."""
        for name in self.say("remote").split():
            yield name, _git(self.root, "remote", "get-url", name).stdout.strip()


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(root), "-c", "core.quotePath=false", *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise CliError("git is missing: install it, and try again") from None
    except subprocess.TimeoutExpired:
        raise CliError(f"`git {' '.join(words)}` did not end within {SECONDS} s") from None


def _why(said: str) -> str:
    """A rejected ref says more than the error about it, and both more than the hints that follow."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    rejected = [line for line in lines if line.startswith("! [")]
    errors = [line for line in lines if line.startswith(("error:", "fatal:"))]
    return " ".join((rejected or errors or lines or ["it said nothing"])[0].split())


def _commit(text: str) -> Commit:
    name, subject, author, at, rest = text.split("\x02", 4)
    files = tuple(file for file in rest.lstrip("\0").removeprefix("\n").split("\0") if file)
    return Commit(name, subject, author, at, files)
