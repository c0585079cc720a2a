"""What an object is judged against besides its contract: the champion's data, and the objects accepted before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from retide.domain.profile import Profile


@dataclass(frozen=True, slots=True)
class Context:
    """Nothing of it is needed: what is not known is not judged.

    `reference` is the profile of the data that the champion learned from, `reference_name` what to call it in words.
    `recent_rows` are the rows of the objects accepted last, newest first. `earlier_keys` are the files of unique keys
    of accepted objects, `known` the digests of their curated rows. `arrived` is when the object came (aware); without
    it freshness is not judged. `earlier`: the file was accepted under an earlier contract, so that nullable columns
    which it lacks are null in all its rows.
    """

    reference: Profile | None = None
    reference_name: str = ""
    recent_rows: tuple[int, ...] = ()
    earlier_keys: tuple[Path, ...] = ()
    known: frozenset[str] = frozenset()
    arrived: datetime | None = None
    earlier: bool = False

    def to_dict(self) -> dict[str, Any]:
        """All but the files, which lie elsewhere for whoever reads this."""
        return {
            "reference": self.reference.to_dict() if self.reference else None,
            "reference_name": self.reference_name,
            "recent_rows": list(self.recent_rows),
            "known": sorted(self.known),
            "arrived": self.arrived.isoformat() if self.arrived else None,
            "earlier": self.earlier,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], earlier_keys: tuple[Path, ...] = ()) -> Context:
        """The inverse of `to_dict`."""
        return cls(
            reference=Profile.from_dict(raw["reference"]) if raw["reference"] else None,
            reference_name=raw["reference_name"],
            recent_rows=tuple(raw["recent_rows"]),
            earlier_keys=earlier_keys,
            known=frozenset(raw["known"]),
            arrived=datetime.fromisoformat(raw["arrived"]) if raw["arrived"] else None,
            earlier=raw["earlier"],
        )


NOTHING_KNOWN: Final = Context()


@dataclass(frozen=True, slots=True)
class Basis:
    """What all objects of one run share: the champion's dataset, and the rows of the objects accepted before the run.

    It is fixed once, as the champion may change meanwhile: who judges an object again must come to the same verdict.
    `recent_rows` are newest first.
    """

    reference: str | None = None
    recent_rows: tuple[int, ...] = ()
