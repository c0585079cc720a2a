"""What is known of scikit-learn without importing it: library_facts.json, written by scripts/library_facts.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Randomness:
    """Where `random_state` stands among the positional arguments (None: named only); does it only count on shuffle?"""

    position: int | None
    only_shuffling: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """By the names within scikit-learn, which are unique; `versions` says of which release."""

    versions: Mapping[str, str]
    convertible: frozenset[str]
    inconvertible: frozenset[str]
    splitters: frozenset[str]
    random_estimators: Mapping[str, Randomness]
    random_others: Mapping[str, Randomness]


def _read(raw: Mapping[str, Any]) -> Facts:
    return Facts(
        versions=raw["versions"],
        convertible=frozenset(raw["convertible"]),
        inconvertible=frozenset(raw["inconvertible"]),
        splitters=frozenset(raw["splitters"]),
        random_estimators={name: Randomness(**told) for name, told in raw["random_estimators"].items()},
        random_others={name: Randomness(**told) for name, told in raw["random_others"].items()},
    )


FACTS: Final = _read(json.loads(Path(__file__).with_name("library_facts.json").read_text(encoding="utf-8")))


def sklearn_name(path: str | None) -> str:
    """`sklearn.ensemble.RandomForestClassifier` → its name; empty for what is not scikit-learn's."""
    if path is None or not path.startswith("sklearn.") or "(" in path:
        return ""
    return path.rpartition(".")[2]


def is_estimator(path: str | None) -> bool:
    return sklearn_name(path) in FACTS.convertible | FACTS.inconvertible
