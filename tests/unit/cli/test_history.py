"""Where pushes are looked for: the remote-tracking branch of the repository that the pipeline delivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from retide.cli.delivery.checkout import Checkout
from retide.cli.delivery.history import known, tracking
from retide.cli.failures import CliError
from tests.unit.cli.deliveries import DEFINITION, minute, name
from tests.unit.cli.test_checkout import git, write


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout that has fetched one remote called `there`."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, "first", a="1")
    git(tmp_path, "update-ref", "refs/remotes/there/main", "HEAD")
    return Checkout.at(tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "/cloud/git/local/retide.git",
        "https://github.com/local/retide",
        "https://github.com/local/retide.git/",
        "git@github.com:local/retide.git",
        "ssh://git-codecommit.us-east-1.amazonaws.com/v1/repos/local/retide",
    ],
)
def test_the_remote_of_the_delivered_repository_is_known_by_any_kind_of_url(checkout: Checkout, url: str) -> None:
    git(checkout.root, "remote", "add", "there", url)
    assert tracking(checkout, DEFINITION) == "refs/remotes/there/main"


@pytest.mark.parametrize("url", ["https://github.com/nonlocal/retide.git", "https://github.com/local/retide-two.git"])
def test_a_repository_of_a_similar_name_is_another_one(checkout: Checkout, url: str) -> None:
    git(checkout.root, "remote", "add", "there", url)
    with pytest.raises(CliError, match=r"knows no branch main of local/retide, .*: `git fetch` it"):
        tracking(checkout, DEFINITION)


def test_a_remote_that_was_never_fetched_does_not_count(checkout: Checkout) -> None:
    git(checkout.root, "remote", "add", "elsewhere", "git@github.com:local/retide.git")
    with pytest.raises(CliError, match="git fetch"):
        tracking(checkout, DEFINITION)


def test_a_commit_that_this_checkout_has_not_is_known_by_its_name_and_its_start(checkout: Checkout) -> None:
    here = git(checkout.root, "rev-parse", "HEAD")
    git(checkout.root, "commit", "--quiet", "--amend", "--allow-empty", "--message", "other")
    found = known(checkout, {name("elsewhere"): minute(3), here: minute(1)})
    assert (found[0].name, found[0].subject) == (name("elsewhere"), "not in this checkout")
    assert found[0].at == minute(3).isoformat()
    assert (found[1].subject, found[1].author) == ("first", "Ada")
    assert here not in checkout.ancestors("main")
