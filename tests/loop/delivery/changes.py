"""What the tests of delivery change in the project, each the smallest that takes its road; and rows for the model."""

from __future__ import annotations

import random
from typing import Final

from tests.loop.delivery.repository import Repository
from tests.loop.story.rows import as_csv

MODEL: Final = "training/models/tide/model.py"
TESTS: Final = "tests/unit/domain/test_gate.py"
HANDLER: Final = "retide/steps/freeze.py"
BROKEN: Final = """

def test_that_is_broken_on_purpose() -> None:
    assert sorted("ba") == ["b", "a"]
"""


def documents(repository: Repository) -> None:
    repository.edit("docs/aws.md", lambda text: text + "\nOne sentence more.\n")


def broken_test(repository: Repository) -> None:
    repository.edit(TESTS, lambda text: text + BROKEN)


def mended_test(repository: Repository) -> None:
    repository.edit(TESTS, lambda text: text.removesuffix(BROKEN))


def handler(repository: Repository) -> None:
    """How a step writes its manifest: nothing that a model follows from."""
    repository.edit(HANDLER, lambda text: text.replace('"created_at"', '"frozen_at"'))


def better(repository: Repository) -> None:
    _learn_from(repository, "height")


def worse(repository: Repository) -> None:
    _learn_from(repository, "echo")


def stronger(repository: Repository) -> None:
    """Other code, much the same model."""
    repository.edit(MODEL, lambda text: text.replace("STRENGTH = 1.0", "STRENGTH = 2.0"))


def strongest(repository: Repository) -> None:
    repository.edit(MODEL, lambda text: text.replace("STRENGTH = 2.0", "STRENGTH = 4.0"))


def documented(repository: Repository) -> None:
    """A comment is code, too: other bytes, the very same model."""
    repository.edit(MODEL, lambda text: text + "\n\n# The echo is kept in the data for comparison.\n")


def rows(*, first: int, count: int = 300) -> bytes:
    """Rows whose height tells the outcome nearly always, and whose echo tells it often."""
    chance = random.Random(first)
    heights = [chance.gauss(0, 1) for _ in range(count)]
    return as_csv(
        [
            {
                "row_id": f"r{first + number}",
                "height": f"{height:.4f}",
                "echo": f"{height + chance.gauss(0, 1.5):.4f}",
                "outcome": "yes" if height + chance.gauss(0, 0.2) > 0 else "no",
            }
            for number, height in enumerate(heights)
        ]
    )


def _learn_from(repository: Repository, column: str) -> None:
    other = {"height": "echo", "echo": "height"}[column]
    repository.edit(MODEL, lambda text: text.replace(f'COLUMN = "{other}"', f'COLUMN = "{column}"'))
