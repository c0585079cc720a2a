"""What the command line asks of git, on real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from retide.cli.delivery.checkout import Checkout
from retide.cli.failures import CliError

WHEN = "2026-01-01T00:00:00Z"
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": WHEN,
    "GIT_COMMITTER_DATE": WHEN,
}
"""Nobody's settings and no clock: the same commits have the same names everywhere."""


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    command = ["git", *who, *words]
    return subprocess.run(
        command, cwd=folder, env=os.environ | NOBODY, capture_output=True, text=True, check=True
    ).stdout.strip()


def write(folder: Path, message: str, **files: str) -> str:
    """Commit files, `__` in a name standing for a folder; the commit's name."""
    for name, text in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, "first", a="1")
    return tmp_path


def test_commits_are_told_newest_first_with_the_files_that_each_changed(folder: Path) -> None:
    name = write(folder, "two: 'quotes' | and ünïcode", docs__b="1", a="2")
    write(folder, "nothing at all")
    found = Checkout.at(folder).commits("main", 10)
    assert [(one.subject, one.files) for one in found] == [
        ("nothing at all", ()),
        ("two: 'quotes' | and ünïcode", ("a", "docs/b")),
        ("first", ("a",)),
    ]
    assert (found[1].name, found[1].author) == (name, "Ada")


def test_names_of_files_with_blanks_and_letters_of_any_alphabet_stay_what_they_are(folder: Path) -> None:
    (folder / "ä b\tc").write_text("1")
    write(folder, "odd")
    assert Checkout.at(folder).commits("HEAD", 1)[0].files == ("ä b\tc",)


def test_a_merge_brings_what_its_branch_had_as_one_commit(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "-b", "side")
    write(folder, "on the side", side="1")
    git(folder, "checkout", "--quiet", "main")
    write(folder, "meanwhile", b="1")
    git(folder, "merge", "--quiet", "--no-ff", "--message", "merged", "side")
    found = Checkout.at(folder).commits("main", 10)
    assert [(one.subject, one.files) for one in found][:2] == [("merged", ("side",)), ("meanwhile", ("b",))]
    assert len(found) == 3


def test_the_beginning_of_a_name_is_enough_and_the_whole_name_comes_back(folder: Path) -> None:
    name = git(folder, "rev-parse", "HEAD")
    checkout = Checkout.at(folder)
    assert {checkout.commit(name[:7]), checkout.commit(name), checkout.commit("main")} == {name}


def test_a_beginning_that_several_commits_share_is_refused_with_the_candidates(folder: Path) -> None:
    """Names of four characters collide soon; a tree that is a candidate, too, does not count."""
    names: dict[str, str] = {}
    parent = git(folder, "rev-parse", "HEAD")
    tree = git(folder, "rev-parse", "HEAD^{tree}")
    shared = ""
    for number in range(2_000):
        name = git(folder, "commit-tree", tree, "-p", parent, "-m", str(number)) if not shared else ""
        shared = shared or (name[:4] if name[:4] in names else "")
        names.setdefault(name[:4], name)
    assert shared
    with pytest.raises(CliError, match=r"may be any of .*, .*: write more"):
        Checkout.at(folder).commit(shared)


@pytest.mark.parametrize("name", ["deadbeef", "nothing", "--all", "", "main:a"])
def test_a_name_that_is_no_commit_is_refused_with_what_to_do(folder: Path, name: str) -> None:
    with pytest.raises(CliError, match="is no commit that this checkout knows"):
        Checkout.at(folder).commit(name)


def test_what_is_not_committed_is_named(folder: Path) -> None:
    checkout = Checkout.at(folder)
    (folder / "untracked").write_text("1")
    checkout.refuse_uncommitted()
    (folder / "a").write_text("changed")
    with pytest.raises(CliError, match=r"^a changed and is not committed, .*`git stash`"):
        checkout.refuse_uncommitted()


def test_a_folder_within_another_repository_is_no_checkout_of_its_own(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    with pytest.raises(CliError, match="is not a git checkout: run `git init`"):
        Checkout.at(inner)


def test_a_repository_without_a_commit_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(CliError, match="has no commit yet"):
        Checkout.at(tmp_path)


def test_what_git_refuses_is_told_in_its_own_words(folder: Path) -> None:
    with pytest.raises(CliError, match=r"`git push nowhere main` failed: "):
        Checkout.at(folder).say("push", "nowhere", "main")


def test_remotes_are_known_by_their_urls(folder: Path) -> None:
    git(folder, "remote", "add", "retide", "/cloud/git/local/retide.git")
    assert dict(Checkout.at(folder).remotes()) == {"retide": "/cloud/git/local/retide.git"}


def test_a_push_that_would_lose_commits_is_refused_in_gits_own_words(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.git"
    git(folder, "init", "--quiet", "--bare", str(there))
    git(folder, "push", "--quiet", str(there), "HEAD:main")
    git(folder, "commit", "--quiet", "--amend", "--message", "another first")
    with pytest.raises(CliError, match=r"failed: ! \[rejected\] HEAD -> main"):
        Checkout.at(folder).say("push", str(there), "HEAD:main")
