"""What the evaluation job found: challenger and champion, each as the served artefact, on one frozen holdout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retide.domain.codec import CodecError, parse
from retide.domain.comparison import DataDrift
from retide.domain.tuning import Round


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a search tried; `scores` are cross-validated, one for each round that it was in, None where undefined."""

    estimator: str
    params: Mapping[str, Any]
    scores: tuple[float | None, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """How a model's hyperparameters were found; `winner` is the place of the one that was trained."""

    metric: str
    winner: int
    candidates: tuple[Candidate, ...]
    rounds: tuple[Round, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on the second class, `label`, is said; chosen for `by` on rows of the training part.

    The contract's own number was chosen on no row.
    """

    value: float
    label: Any
    by: str
    rows: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A prediction interval: from `low` to `high` round a prediction, made to hold `level` of all values.

    The quantiles of the residuals of `rows` rows of the training part; where there are none, `lacking` says why.
    """

    level: float
    low: float | None = None
    high: float | None = None
    rows: int = 0
    lacking: str = ""


@dataclass(frozen=True, slots=True)
class Boosted:
    """How many instances learned together, and the digests of their shards, in one, and of the booster they left."""

    instances: int
    rounds: int
    shards_sha256: str
    booster_sha256: str


@dataclass(frozen=True, slots=True)
class Scores:
    """One model's figures; `artefact_digest` says of which bytes, `parity_max_abs` how far from the estimator.

    `params` are those that it was trained with, `tuning` the search that found them.
    `calibration_noise` is the calibration error that 19 of 20 perfectly calibrated models stay below on these rows.
    """

    job: str
    artefact_digest: str
    metrics: Mapping[str, float]
    latency_ms: Mapping[str, float]
    size_bytes: int
    parity_max_abs: float
    params: Mapping[str, Any] | None = None
    tuning: Search | None = None
    calibration_noise: float | None = None
    threshold: Threshold | None = None
    interval: Interval | None = None
    boosting: Boosted | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """What the challenger gains in the deciding metric, more being better, on the very rows for both.

    `low` and `high` are one-sided bounds, each with `confidence`; `error` is the standard error, all by a paired
    bootstrap. Evaluations of before there was one have none.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Scores in the deciding metric on a part of the holdout; `champion` is None where there is no score to compare.

    The bounds of `gain` are those of all segments at once (Bonferroni).
    """

    name: str
    rows: int
    challenger: float
    champion: float | None = None
    gain: Gain | None = None


@dataclass(frozen=True, slots=True)
class Importance:
    """What the challenger loses in the deciding metric where the feature's values change places, over repeats."""

    feature: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`importance` comes with the dearest feature first, `holdout` says in words which rows are held out.

    `champion_skipped` says why a champion was not scored; `champion_learned`, that it may know the holdout.
    `drift` is there where the contract asks for it and the champion did not learn from all of the data;
    `drift_skipped` says why it could not be measured.
    """

    model: str
    task: str
    dataset: str
    metric: str
    direction: str
    holdout_rows: int
    challenger: Scores
    champion: Scores | None = None
    gain: Gain | None = None
    segments: tuple[Segment, ...] = ()
    baseline: Mapping[str, float] | None = None
    champion_skipped: str | None = None
    champion_learned: bool = False
    importance: tuple[Importance, ...] = ()
    drift: DataDrift | None = None
    drift_skipped: str | None = None
    holdout: str = ""


@dataclass(frozen=True, slots=True)
class Golden:
    """A record and the prediction that every deployed copy of the artefact must give for it."""

    record: Mapping[str, Any]
    prediction: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GoldenSet:
    requests: tuple[Golden, ...]


def read[T: (Evaluation, GoldenSet)](cls: type[T], data: bytes, source: str) -> T:
    """Read the job's JSON; raises ValueError that names `source` and what is wrong with it."""
    try:
        return parse(cls, json.loads(data))
    except (CodecError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{source} is not what the evaluation job should write: {error}") from error
