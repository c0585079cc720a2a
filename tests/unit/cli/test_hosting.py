"""The remote that a checkout gets, and the settings that its pipeline is deployed with."""

from __future__ import annotations

from pathlib import Path

import pytest

from retide.cli.delivery.checkout import Checkout
from retide.cli.delivery.hosting import add_remote, settings
from retide.cli.failures import CliError, UsageProblem
from tests.unit.cli.test_checkout import git, write


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    write(root, "first", a="1")
    return Checkout.at(root)


def url(checkout: Checkout) -> str:
    return dict(checkout.remotes())["retide"]


def test_a_checkout_gets_the_remote_once(checkout: Checkout, tmp_path: Path) -> None:
    folder = tmp_path / "home/git/local/retide.git"
    for _ in range(2):
        add_remote(checkout, "local/retide", folder)
    assert url(checkout) == str(folder)


def test_the_remote_of_an_earlier_cloud_is_turned_to_this_one(checkout: Checkout, tmp_path: Path) -> None:
    for home in ("old", "new"):
        add_remote(checkout, "local/retide", tmp_path / home / "git/local/retide.git")
    assert url(checkout) == str(tmp_path / "new/git/local/retide.git")


@pytest.mark.parametrize("theirs", ["https://example.com/git/local/retide.git", "/srv/mine.git", "git@host:a/b.git"])
def test_a_remote_of_somebody_else_is_left_alone(checkout: Checkout, theirs: str) -> None:
    git(checkout.root, "remote", "add", "retide", theirs)
    with pytest.raises(CliError, match="git remote rename retide OTHER"):
        add_remote(checkout, "local/retide", Path("/cloud/git/local/retide.git"))
    assert url(checkout) == theirs


def test_settings_are_names_and_values_and_a_value_may_hold_anything() -> None:
    assert settings(["approval=no", "tests=tests/unit -k a=b"]) == {"approval": "no", "tests": "tests/unit -k a=b"}


@pytest.mark.parametrize("word", ["approval", "=no", ""])
def test_what_is_no_setting_is_refused_with_an_example(word: str) -> None:
    with pytest.raises(UsageProblem, match="write NAME=VALUE"):
        settings([word])


def test_a_setting_that_nobody_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageProblem, match="'nonsense=1' sets nothing that `remote` knows: it takes level, approval"):
        settings(["approval=no", "nonsense=1"])


@pytest.mark.parametrize("word", ["provider=codecommit", "road=github-actions"])
def test_a_road_that_the_local_cloud_has_not_is_refused_before_anything_is_made(word: str) -> None:
    with pytest.raises(UsageProblem, match="sets nothing that `remote` knows"):
        settings([word])
