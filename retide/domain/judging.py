"""Where a job that judges one large object finds what it needs, and where it leaves what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from retide.domain import layout
from retide.domain.context import Context
from retide.domain.layout import RunId
from retide.domain.profile import Profile

INPUT: Final = "/opt/ml/processing/input"
DATA: Final = "data"  # the object itself, in the exact version
TERMS: Final = "terms.json"  # what it is judged against besides the contract
VERDICT: Final = "verdict.json"
ROWS: Final = "rows.parquet"
REJECTED: Final = "rejected.csv"
KEYS: Final = "keys.parquet"
KEYS_LIST: Final = "keys.manifest"  # beside the channel, as SageMaker reads it


@dataclass(frozen=True, slots=True)
class Terms:
    """What a job is told beside the contract: `sha256` is what the batch's manifest says of the object, if it does.

    `keys` name the files of keys in the channel of that name, in the order of `context.earlier_keys`.
    """

    sha256: str | None
    context: Context
    keys: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        context = self.context
        return {
            "sha256": self.sha256,
            "reference": context.reference.to_dict() if context.reference else None,
            "reference_name": context.reference_name,
            "recent_rows": context.recent_rows,
            "known": sorted(context.known),
            "arrived": context.arrived.isoformat() if context.arrived else None,
            "keys": self.keys,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Terms:
        """The inverse of `to_dict`, but for where the files of keys lie."""
        context = Context(
            reference=Profile.from_dict(raw["reference"]) if raw["reference"] else None,
            reference_name=raw["reference_name"],
            recent_rows=tuple(raw["recent_rows"]),
            known=frozenset(raw["known"]),
            arrived=datetime.fromisoformat(raw["arrived"]) if raw["arrived"] else None,
        )
        return cls(raw["sha256"], context, tuple(raw["keys"]))


def given(run: RunId, object_id: str, name: str = "") -> str:
    """The key of what a job is given."""
    return layout.run(str(run), run.model, f"judging/{object_id}/input/{name}")


def beside(run: RunId, object_id: str, name: str) -> str:
    """The key of what SageMaker itself reads, in no channel."""
    return layout.run(str(run), run.model, f"judging/{object_id}/{name}")


def found(run: RunId, object_id: str, name: str = "") -> str:
    """The key of what a job has left, or would leave."""
    return layout.run(str(run), run.model, f"judging/{object_id}/output/{name}")


def keys_list(prefix: str, keys: tuple[str, ...]) -> list[Any]:
    """SageMaker's list of files: a common prefix, then names."""
    return [{"prefix": prefix}, *keys]


def channel(name: str, uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    """One entry of ProcessingInputs."""
    place = {
        "LocalPath": f"{INPUT}/{name}",
        "S3DataType": kind,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3Uri": uri,
    }
    return {"InputName": name, "S3Input": place}
