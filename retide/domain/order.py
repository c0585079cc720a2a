"""The order of arrivals: as they came, except that versions of one key stand in the order in which S3 took them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Sequenced(Protocol):
    """One version of an object; `sequencer` is S3's, or empty where nobody told it."""

    @property
    def key(self) -> str: ...

    @property
    def sequencer(self) -> str: ...


def sequence(sequencer: str) -> int | None:
    """A sequencer as the hexadecimal number that it is, which compares right at any length; None for no number."""
    try:
        return int(sequencer, 16)
    except ValueError:
        return None


def in_order[S: Sequenced](arrived: Sequence[S]) -> tuple[S, ...]:
    """Events overtake each other: the places that versions of one key hold are filled anew by their sequencers.

    Sequencers say nothing about different keys, so that no other object moves.
    """
    places: dict[str, list[tuple[int, int]]] = {}
    for place, item in enumerate(arrived):
        number = sequence(item.sequencer)
        if number is not None:
            places.setdefault(item.key, []).append((number, place))
    ordered = list(arrived)
    for found in places.values():
        for place, (_, source) in zip(sorted(place for _, place in found), sorted(found), strict=True):
            ordered[place] = arrived[source]
    return tuple(ordered)
