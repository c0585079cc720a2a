"""Batches for the models of the loop's tests: small, deterministic, and as good or bad as a test asks for."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence

type Row = Mapping[str, object]

KINDS = {"apple": (180.0, "red"), "pear": (120.0, "green"), "plum": (40.0, "blue")}


def fragile(mood: str = "fine", *, rows: int = 80, batch: str = "a") -> bytes:
    """Rows whose height tells the outcome nearly always."""
    chance = random.Random(f"{mood}{batch}")
    heights = [chance.gauss(0, 1) for _ in range(rows)]
    return as_csv(
        [
            {
                "row_id": f"{batch}{number}",
                "height": f"{height:.4f}",
                "mood": mood,
                "outcome": "yes" if height + chance.gauss(0, 0.3) > 0 else "no",
            }
            for number, height in enumerate(heights)
        ]
    )


def orchard(*, rows: int = 150, first: int = 0) -> bytes:
    """Trees with a weight that tells apples, pears and plums apart, and a missing weight or colour here and there."""
    chance = random.Random(first)
    fruits = [chance.choice(list(KINDS)) for _ in range(rows)]
    return as_csv([_tree(first + number, fruit, chance) for number, fruit in enumerate(fruits)])


def _tree(tree: int, fruit: str, chance: random.Random) -> Row:
    weight, colour = KINDS[fruit]
    return {
        "tree": tree,
        "weight": "" if chance.random() < 0.05 else f"{chance.gauss(weight, 15):.1f}",
        "colour": "NA" if chance.random() < 0.05 else colour,
        "ripe": chance.choice(["true", "false"]),
        "slope": chance.choice(["north", "south"]),
        "fruit": fruit,
    }


def as_csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
