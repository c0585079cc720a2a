"""What a contract says of the search for hyperparameters: the space, and its budget in units of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

from retide.domain.reader import Place, shown
from retide.domain.sections import Named, Section
from retide.domain.settings import Choice, Count, Flag, Number, Schema, is_finite

MOST_CANDIDATES: Final = 500
MOST_VALUES: Final = 30  # what SageMaker takes of one parameter, and of parameters


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `minimum` to `maximum`, both inclusive; `log` draws their orders of magnitude evenly."""

    minimum: Annotated[float, Number("the least value"), Named("min")]
    maximum: Annotated[float, Number("the largest value"), Named("max")]
    log: Annotated[bool, Flag("whether orders of magnitude are drawn evenly, as for a penalty")] = False
    integer: Annotated[bool, Flag("whether only whole numbers are tried")] = False


type Values = tuple[Any, ...]
RANGE: Final = Section("numbers from min to max", Range)


@dataclass(frozen=True, slots=True)
class Space:
    """By parameter a range, or a list of values: texts, numbers, true, false or null."""

    says: str
    fallback: Mapping[str, Range | Values] = field(default_factory=dict)

    def read(self, value: object, at: Place) -> Mapping[str, Range | Values]:
        if not isinstance(value, Mapping):
            at.problem(f"must be a mapping of parameters to what is tried of each, not {shown(value)}")
            return self.fallback
        if len(value) > MOST_VALUES:
            at.problem(f"has {len(value)} parameters; SageMaker takes {MOST_VALUES}")
        return {str(name): self._parameter(name, tried, at.below(str(name))) for name, tried in value.items()}

    def _parameter(self, name: object, tried: object, at: Place) -> Range | Values:
        found: Range | Values = _values(tried, at) if isinstance(tried, list) else RANGE.read(tried, at)
        if not isinstance(name, str) or not name:
            at.problem(f"is named {shown(name)}, which YAML does not read as text; put it in quotes", unquoted=True)
        return found

    def schema(self) -> Schema:
        scalar = {"type": ["string", "number", "boolean", "null"]}
        values = {"type": "array", "items": scalar, "minItems": 1, "maxItems": MOST_VALUES, "uniqueItems": True}
        either = {"anyOf": [values, RANGE.schema()]}
        names = {"minLength": 1}
        return {
            "type": "object",
            "maxProperties": MOST_VALUES,
            "propertyNames": names,
            "additionalProperties": either,
        }


def _values(tried: list[object], at: Place) -> Values:
    if not 1 <= len(tried) <= MOST_VALUES:
        at.problem(f"must list 1 to {MOST_VALUES} values, not {len(tried)}")
    seen: list[object] = []
    for place, value in enumerate(tried):
        plain = value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and is_finite(value))
        if not plain:
            at.below(str(place)).problem(f"is {shown(value)}; only texts, numbers, true, false and null can be tried")
        elif any(value == other and isinstance(value, bool) is isinstance(other, bool) for other in seen):
            at.problem(f"holds {shown(value)} twice")
        seen.append(value)
    return tuple(tried)


class Where(StrEnum):
    """`job`: within the training job; `jobs`: a SageMaker tuning job, each candidate in a training job of its own."""

    JOB = "job"
    JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class Tuning:
    """Successive halving: all candidates on few rows, one in `keep` of them on `keep` times as many, up to `rows`.

    The budget is work, not time: the same data and seed have the same winner on any machine. `seconds` only guards: a
    search that takes longer fails, it does not settle for another winner.
    """

    candidates: Annotated[int, Count("how many are tried; 0: no search", 0, MOST_CANDIDATES)] = 0
    space: Annotated[Mapping[str, Range | Values], Space("what is tried of each parameter of `build`")] = field(
        default_factory=dict
    )
    rows: Annotated[int, Count("rows of the training part that the last round uses at most", 100)] = 20_000
    keep: Annotated[int, Count("one in so many candidates goes on to the next round", 2, 10)] = 3
    seconds: Annotated[int | None, Count("a search that takes longer fails the job")] = None
    on: Annotated[Where, Choice("where candidates are tried: in the training job, or each in one", tuple(Where))] = (
        Where.JOB
    )
    parallel: Annotated[int, Count("training jobs at once, with `on: jobs`", 1, 10)] = 2


def look_over_tuning(tuning: Tuning, at: Place) -> None:
    """What no schema of single settings can say."""
    if tuning.space and not tuning.candidates:
        at.below("candidates").problem("is 0, so that nothing of the space is ever tried; say how many are")
    if tuning.on is Where.JOBS and not tuning.space:
        at.below("space").problem("is empty; `on: jobs` needs to be told what is tried")
    for name, tried in tuning.space.items():
        if isinstance(tried, Range):
            _look_over(tried, at.below(f"space.{name}"))


def _look_over(tried: Range, at: Place) -> None:
    if tried.minimum >= tried.maximum:
        at.below("max").problem(f"{tried.maximum:g} must lie above min {tried.minimum:g}")
    if tried.log and tried.minimum <= 0:
        at.below("min").problem(f"{tried.minimum:g} has no order of magnitude; with `log` it must be above 0")
    if tried.integer and (tried.minimum % 1 or tried.maximum % 1):
        at.problem("asks for whole numbers between bounds that are none")
