"""`make review` and `make review-comment` from outside: what is refused, and the one comment that is kept."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from scripts.review import ReviewError, base_of, main, make

ROOT: Final = Path(__file__).resolve().parents[3]
MARK: Final = "<!-- retide: review -->"
# Stands for GitHub's command line: writes down what it was asked, and answers a list with what the test wants.
GH: Final = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if "--paginate" in sys.argv:
    print(os.environ["COMMENTS"], end="")
"""


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, text: str) -> None:
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "readme").write_text(text)
    git(folder, "add", "readme")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", text)


def test_a_base_that_git_does_not_know_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--base", "no-such-branch", "--into", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("review: git knows no commit 'no-such-branch': fetch it, or name another with BASE=")
    assert said.count("\n") == 1


def test_a_base_that_looks_like_an_option_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--base=--help"]) == 2
    assert "git knows no commit '--help'" in capsys.readouterr().err


def test_a_base_that_cannot_be_synthesised_says_so_in_one_line(tmp_path: Path) -> None:
    commit(tmp_path, "not the project")
    with pytest.raises(ReviewError, match=r"^the base main cannot be synthesised: it has no infra/assemble\.py"):
        make("main", tmp_path)


def test_what_the_base_got_since_is_no_change_of_the_checkout(tmp_path: Path) -> None:
    commit(tmp_path, "common")
    parting = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "branch", "mine")
    commit(tmp_path, "theirs")
    git(tmp_path, "switch", "--quiet", "mine")
    assert base_of("main", tmp_path) == (parting, f"main as this checkout left it ({parting[:12]})")
    assert base_of("mine", tmp_path) == (parting, f"mine ({parting[:12]})")
    assert base_of(parting[:9], tmp_path) == (parting, parting[:12])


def test_a_base_of_another_history_is_refused(tmp_path: Path) -> None:
    commit(tmp_path, "mine")
    git(tmp_path, "switch", "--quiet", "--orphan", "other")
    commit(tmp_path, "theirs")
    with pytest.raises(ReviewError, match="'main' and this checkout have no commit in common"):
        make("main", tmp_path)


class Comments:
    """A checkout with a review, and a `gh` that remembers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        (folder / "bin").mkdir()
        (folder / "bin/gh").write_text(GH)
        (folder / "bin/gh").chmod(0o755)
        (folder / "build").mkdir()
        (folder / "build/review.md").write_text("## What this changes\n")

    def run(self, comments: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        given = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(self.calls_file),
            "COMMENTS": comments,
            "PULL_REQUEST": "7",
            **environment,
        }
        command = [str(ROOT / "scripts/review-comment.sh")]
        return subprocess.run(command, cwd=self.folder, env=given, capture_output=True, text=True, check=False)

    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.calls_file.read_text().splitlines()]


@pytest.fixture
def comments(tmp_path: Path) -> Comments:
    return Comments(tmp_path)


def test_the_first_review_of_a_pull_request_becomes_a_comment(comments: Comments) -> None:
    assert comments.run().returncode == 0
    _, written = comments.calls()
    assert written[:5] == ["api", "--silent", "--method", "POST", "repos/{owner}/{repo}/issues/7/comments"]
    assert written[-1] == f"body={MARK}\n## What this changes"


def test_later_reviews_bring_the_same_comment_up_to_date(comments: Comments) -> None:
    assert comments.run(comments="41\n42\n").returncode == 0
    listed, written = comments.calls()
    assert "github-actions[bot]" in listed[-1]
    assert MARK in listed[-1]
    assert written[:5] == ["api", "--silent", "--method", "PATCH", "repos/{owner}/{repo}/issues/comments/41"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.run(PULL_REQUEST=""), "PULL_REQUEST is not set"),
        (lambda one: ((one.folder / "build/review.md").unlink(), one.run())[1], "there is no build/review.md"),
        (
            lambda one: ((one.folder / "build/review.md").write_text("x" * 70_000), one.run())[1],
            "has 70024 characters, and a comment takes 65536",
        ),
    ],
    ids=["no number", "no review", "too long"],
)
def test_a_comment_that_cannot_be_written_says_why_and_asks_github_nothing(
    comments: Comments, change: object, message: str
) -> None:
    assert callable(change)
    refused = change(comments)
    assert refused.returncode == 1
    assert message in refused.stderr
    assert not comments.calls_file.exists()
