"""Of the commands only the one that is called is imported, and whatever names none of them has them all."""

from __future__ import annotations

import pytest
import typer

from retide.cli.app import app


def names(*words: str) -> set[str]:
    group = typer.main.get_command(app(words))
    return set(group.commands)  # type: ignore[attr-defined]


ALL = sorted(names())


def test_every_kind_of_command_is_there() -> None:
    assert {"up", "push", "explain", "approve", "init", "ab", "delivery"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_command_that_is_called_stands_alone(name: str) -> None:
    assert names(name, "--help") == {name}


@pytest.mark.parametrize("word", ["--help", "statsu", ""])
def test_for_help_and_for_what_was_meant_all_are_there(word: str) -> None:
    assert sorted(names(word)) == ALL
