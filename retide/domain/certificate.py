"""The certificate of a model: what it was made of and what was found of it, as far as was known at its registration.

It is written once, under a name that is made of its digest, and bound in the registry by address and digest. What comes
later, who approved the model and what became of it, is never added to it: that stands in the registry and the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.artefact import Member
from retide.domain.evaluation import Boosted, Interval, Segment, Threshold
from retide.domain.gate import Finding

FORMAT: Final = "retide-certificate/1"


class BadCertificate(ValueError):
    """A certificate that is missing, was altered, or cannot be read; the text says which and how."""


@dataclass(frozen=True, slots=True)
class Document:
    """An object of the data bucket: its key, the sha256 of its bytes, and the version that was read."""

    key: str
    sha256: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One file that the model learned from: an object version, and the sha256 of its rows as they were typed."""

    id: str
    key: str
    version: str
    curated: str
    rows: int


@dataclass(frozen=True, slots=True)
class Data:
    """The dataset: `manifest` freezes it, rows whose bucket lies below the threshold (of 10,000) are the holdout."""

    id: str
    manifest: Document
    rows: int
    bucket_threshold: int
    cutoff: str | None
    objects: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """All that a deployment brought: digests of the code, the contract, the locks of the jobs, and the state machine.

    `code_uri` and `libs_uri` are the zips that the job ran, `commit` is the code's where it was known.
    """

    digest: str
    contract_digest: str
    libs_digest: str
    image: str
    commit: str
    asl_digest: str
    code_uri: str
    libs_uri: str


@dataclass(frozen=True, slots=True)
class Together:
    """The job of the instances that learned together, its image, and what they learned from and have left."""

    job: str
    image: str
    made: Boosted


@dataclass(frozen=True, slots=True)
class Made:
    """The artefact: `artefact_digest` covers its members, `archive` is how they were packed."""

    artefact_digest: str
    archive: Document
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """The evaluation on the holdout; `metric` is the deciding one, `champion` the figures of the one before.

    `threshold` and `interval` are what the served model makes of probabilities and values.
    """

    document: Document
    metric: str
    score: float
    holdout_rows: int
    metrics: Mapping[str, float]
    segments: tuple[Segment, ...]
    champion: Mapping[str, float] | None
    threshold: Threshold | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    document: Document
    outcome: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """The champion that it was judged against: `version` 0 and no job where there was none."""

    version: int
    job: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """`hyperparameters` are what the training job was told, all of it text, the seed among it.

    `boosting` says who learned where that was not the training job itself.
    """

    format: str
    model: str
    run: str
    job: str
    artefact: Made
    data: Data
    code: Code
    hyperparameters: Mapping[str, str]
    evaluation: Measured
    decision: Decided
    parent: Parent
    boosting: Together | None = None

    @property
    def seed(self) -> str:
        return self.hyperparameters.get("seed", "")


def sources(raw: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """Of a dataset's manifest."""
    return tuple(Source(one["id"], one["key"], one["version"], one["curated"], one["rows"]) for one in raw)


def file_name(data: bytes) -> str:
    """The certificate's name beside the record of its run: another content is another name."""
    return f"certificate-{hashlib.sha256(data).hexdigest()[:16]}.json"
