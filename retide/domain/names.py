"""Guess which known name a person meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like `name`, whatever the case of its letters; empty where none is close."""
    spelt = {other.lower(): other for other in known}
    return next((spelt[close] for close in get_close_matches(name.lower(), spelt, n=1, cutoff=0.6)), "")
