"""How a contract has models judged: the task, the metric that decides and what must be shown in it, and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from retide.domain.contract_settings import NumberOr
from retide.domain.settings import Choice, Count, Number, Text


class Task(StrEnum):
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class Evidence(StrEnum):
    """What a challenger must show: that it loses less than the margin, or that it gains more than it."""

    NON_INFERIOR = "non_inferior"
    SUPERIOR = "superior"


class Cut(StrEnum):
    """What the threshold of the second of two classes is chosen for: F1, or Youden's J, recall + specificity - 1."""

    F1 = "f1"
    YOUDEN = "youden"


class Direction(StrEnum):
    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


METRICS: Final[Mapping[Task, Mapping[str, Direction]]] = {
    Task.CLASSIFICATION: {
        "roc_auc": Direction.MAXIMIZE,
        "pr_auc": Direction.MAXIMIZE,
        "accuracy": Direction.MAXIMIZE,
        "f1": Direction.MAXIMIZE,
        "log_loss": Direction.MINIMIZE,
        "brier": Direction.MINIMIZE,
    },
    Task.REGRESSION: {
        "rmse": Direction.MINIMIZE,
        "mae": Direction.MINIMIZE,
        "mape": Direction.MINIMIZE,
        "r2": Direction.MAXIMIZE,
    },
}
# Measured as well, and no goals: a constant answer has the best calibration.
REPORTED: Final[Mapping[Task, tuple[str, ...]]] = {
    Task.CLASSIFICATION: ("calibration_error",),
    Task.REGRESSION: ("coverage",),
}
MIDDLE: Final = 0.5
DIRECTIONS: Final = {name: direction for names in METRICS.values() for name, direction in names.items()}


@dataclass(frozen=True, slots=True)
class Metric:
    """The number that decides: `floor` is the worst score accepted, `margin` the smallest difference that counts.

    `evidence` says which side of the margin must be shown. `segment_loss` is the largest fall allowed on any segment of
    at least `segment_rows` rows of the holdout. All are in the metric's own unit; None is derived, see the gate.
    `threshold` is the probability from which on the second of two classes is said, or what it is chosen for; with 0.5
    the more probable one is said. `interval` is the share of values that a prediction interval is made to hold.
    """

    name: Annotated[str, Text("which metric decides", among=tuple(DIRECTIONS))]
    direction: Direction
    floor: Annotated[float | None, Number("the worst score that may ever serve")] = None
    evidence: Annotated[
        Evidence, Choice("whether a challenger must be no worse by the margin, or better by it", tuple(Evidence))
    ] = Evidence.NON_INFERIOR
    margin: Annotated[
        float | None, Number("the smallest difference that counts; a tenth of the champion's lead over a constant", 0)
    ] = None
    confidence: Annotated[float, Number("of each bound of the comparison, one-sided", 0.5, 0.999)] = 0.95
    segment_loss: Annotated[float | None, Number("how far any segment may fall; twice the margin", 0)] = None
    segment_rows: Annotated[int, Count("holdout rows below which a segment is not judged", 10)] = 30
    threshold: Annotated[
        Cut | float,
        NumberOr(
            "the probability from which on the second of two classes is said, or what it is chosen for",
            Number("the probability", 0.001, 0.999, MIDDLE),
            tuple(Cut),
        ),
    ] = MIDDLE
    interval: Annotated[
        float | None, Number("the share of values that the prediction interval of a regression holds", 0.5, 0.99)
    ] = 0.9

    @property
    def sign(self) -> float:
        """+1 where more is better, -1 where less is: `sign * (challenger - champion)` is always a gain."""
        return 1.0 if self.direction is Direction.MAXIMIZE else -1.0


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a model may cost and how far its probabilities may be off; None is no limit.

    `latency_ms` is what 99 of 100 single rows may take in the model alone, `size_mib` the artefact as it is stored,
    `calibration_error` the expected calibration error, a share.
    """

    latency_ms: Annotated[float | None, Number("what 99 of 100 single rows may take in the model alone, ms", 0)] = None
    size_mib: Annotated[float | None, Number("the largest artefact, MiB", 0)] = None
    calibration_error: Annotated[float | None, Number("the largest expected calibration error", 0, 1)] = None
