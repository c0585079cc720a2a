"""The rules of a contract about an object as a whole: its rows, its age, and how label and features are spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from retide.domain.sections import Named
from retide.domain.settings import Choice, Count, Flag, Number
from retide.domain.severity import NO_ROWS, OBJECT_SEVERITIES, Severity

SEVERITY: Final = Choice("what breaking it does", OBJECT_SEVERITIES, NO_ROWS)


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows an object has: `minimum` to `maximum`, and `fall` to `rise` times the median of the `last` objects.

    The median is that of the objects accepted last; what is None is not judged.
    """

    minimum: Annotated[int | None, Count("the fewest rows of an object"), Named("min")] = None
    maximum: Annotated[int | None, Count("the most rows of an object"), Named("max")] = None
    fall: Annotated[float | None, Number("no fewer rows than this times the median of the last objects", 0, 1)] = None
    rise: Annotated[float | None, Number("no more rows than this times the median of the last objects", 1)] = None
    last: Annotated[int, Count("how many objects accepted before are looked at", 1, 100)] = 10
    severity: Annotated[Severity, SEVERITY] = Severity.WARN


@dataclass(frozen=True, slots=True)
class Freshness:
    """Hours from the newest event to the arrival, and from the arrival to any event; None is not judged."""

    max_age_hours: Annotated[float | None, Number("how old the newest event may be when the object arrives", 0)] = None
    max_future_hours: Annotated[float | None, Number("how far any event may lie after the arrival", 0)] = None
    severity: Annotated[Severity, SEVERITY] = Severity.WARN


@dataclass(frozen=True, slots=True)
class Label:
    """The least share of each class in an object, and how far the target may move from the reference.

    `max_shift` is the largest change of a class's share; for regression, that of the mean in standard deviations of
    the reference.
    """

    min_share: Annotated[float | None, Number("the least share of each class", 0, 0.5)] = None
    max_shift: Annotated[
        float | None, Number("how far a class's share, or the mean in standard deviations, may move", 0)
    ] = 0.2
    severity: Annotated[Severity, SEVERITY] = Severity.WARN


@dataclass(frozen=True, slots=True)
class Leakage:
    """`limit` is how well a single feature may tell the target (1: in every row); None is not judged."""

    limit: Annotated[float | None, Number("how well a single feature may tell the target", 0.5, 1)] = 0.99
    severity: Annotated[Severity, SEVERITY] = Severity.WARN


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an object of at least `min_rows` rows may lie from the champion's training data; None is not judged.

    `psi` is per feature, `new_categories` the share of rows with a category that the reference lacks, `missing` the
    change of the share of missing values, `multivariate` the AUC with which a classifier tells the two apart.
    """

    psi: Annotated[float | None, Number("the largest population stability index of a feature", 0)] = 0.25
    new_categories: Annotated[
        float | None, Number("the largest share of rows with a category that training never saw", 0, 1)
    ] = 0.05
    vanished: Annotated[bool, Flag("whether categories that have vanished are told")] = True
    missing: Annotated[float | None, Number("the largest change of the share of missing values", 0, 1)] = 0.1
    min_rows: Annotated[int, Count("objects of fewer rows are not judged by this")] = 500
    multivariate: Annotated[
        float | None, Number("the largest AUC of a classifier of old against new rows; off unless given", 0.5, 1)
    ] = None
    severity: Annotated[Severity, SEVERITY] = Severity.WARN
