"""The code that a model was made by is this checkout's, a commit's, or it is said what to do."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from retide.cli.checkouts import bundle, differs
from retide.cli.failures import CliError
from retide.contracts import code_digest, libs_digest, load
from retide.domain.certificate import Code
from tests.architecture.tree import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one model in it, committed."""
    root = tmp_path / "checkout"
    for part in ("training/models/diabetes", "requirements", "retide/domain"):
        shutil.copytree(ROOT / part, root / part)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=root, check=True)
    return root


def made_of(root: Path) -> Code:
    folder = root / "training/models/diabetes"
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
    digests = (code_digest(root, "diabetes"), load(folder).digest, libs_digest(root))
    return Code(*digests, "image", commit.stdout.strip(), "", "", "")


def test_a_checkout_that_is_the_same_differs_in_nothing(checkout: Path) -> None:
    assert differs(checkout, "diabetes", made_of(checkout)) == ""
    assert differs(checkout, "other", made_of(checkout)) == "there is no model other here"


def test_what_differs_is_named(checkout: Path) -> None:
    made = made_of(checkout)
    (checkout / "training/models/diabetes/model.py").write_text("# another\n")
    assert "the code of diabetes here" in differs(checkout, "diabetes", made)


def test_without_a_commit_or_with_an_unknown_one_it_is_said_what_to_do(checkout: Path) -> None:
    made = replace(made_of(checkout), digest="0" * 64)
    with pytest.raises(CliError, match="names no commit"), bundle(checkout, "diabetes", replace(made, commit="")):
        pass
    with (
        pytest.raises(CliError, match="fetch the commit"),
        bundle(checkout, "diabetes", replace(made, commit="f" * 40)),
    ):
        pass


def test_a_commit_that_is_not_what_was_deployed_is_told_and_its_worktree_goes(checkout: Path) -> None:
    made = replace(made_of(checkout), digest="0" * 64)
    with pytest.raises(CliError, match="changes that were not committed"), bundle(checkout, "diabetes", made):
        pass
    trees = subprocess.run(["git", "worktree", "list"], cwd=checkout, capture_output=True, text=True, check=True)
    assert len(trees.stdout.splitlines()) == 1
