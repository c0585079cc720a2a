"""What a model says about itself: the parsed form of the manifest that lies beside its ONNX file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "retide-model/1"
MANIFEST_FILE: Final = "manifest.json"
ONNX_FILE: Final = "model.onnx"
MISSING: Final = "__missing__"

type Label = str | int | bool


class ArtefactError(Exception):
    """The artefact cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model; `values` are the categories that the contract allows (empty: any)."""

    name: str
    type: str
    nullable: bool
    values: tuple[str, ...] = ()

    @property
    def categorical(self) -> bool:
        return self.type == "category"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`columns` are the contract's other columns: a request may hold them, the model does not see them.

    `missing` are the texts that stand for a missing value in a CSV; `classes` is empty for regression.
    Nothing in it tells one training from another: the same ingredients make the same manifest, byte for byte.
    `parity_max_abs` is the largest difference seen between the estimator and its ONNX form; `tuning` is the search that
    found `params`, with every candidate and its scores, `sampling` how many rows of how many it learned from, and why.
    The values of `pii` columns appear in no log and no capture. `threshold` says from which probability (`value`) on
    the second of two classes is said; without it the most probable class is. `interval` says what to add to a value,
    `low` and `high`, so that in between lie about `level` of all true ones. `split` says which rows it never learned.
    `boosting` names the shards that several instances learned from together, and their booster, by digest.
    """

    model: str
    task: str
    target: str
    features: tuple[Feature, ...]
    columns: tuple[str, ...]
    missing: tuple[str, ...]
    classes: tuple[Label, ...]
    onnx_sha256: str
    estimator: str
    parity_max_abs: float
    versions: Mapping[str, str]
    dataset: str
    code_digest: str
    contract_digest: str
    params: Mapping[str, Any]
    seed: int
    tuning: Mapping[str, Any] | None = None
    pii: tuple[str, ...] = ()
    sampling: Mapping[str, Any] | None = None
    threshold: Mapping[str, Any] | None = None
    interval: Mapping[str, Any] | None = None
    split: Mapping[str, Any] | None = None
    boosting: Mapping[str, Any] | None = None

    def to_json(self) -> str:
        raw = asdict(self)
        raw["onnx"] = {"file": ONNX_FILE, "sha256": raw.pop("onnx_sha256")}
        return json.dumps({"format": FORMAT, **raw}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Raises ArtefactError for a file that is missing, broken, or of another format."""
        try:
            raw = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
            found = raw.pop("format")
            if found != FORMAT:
                raise ArtefactError(f"the artefact has format {found!r}, this code reads {FORMAT!r}")
            return cls(**_typed(raw))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtefactError(f"{MANIFEST_FILE} cannot be read: {type(error).__name__}: {error}") from error


def _typed(raw: dict[str, Any]) -> dict[str, Any]:
    raw["onnx_sha256"] = raw.pop("onnx")["sha256"]
    raw.pop("job", None)  # who trained it stands in the registry; earlier manifests said it, too
    raw["features"] = tuple(Feature(**{**feature, "values": tuple(feature["values"])}) for feature in raw["features"])
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
