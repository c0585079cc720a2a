"""Turn records into the columns that a model sees, or say which field is wrong, in which row, and why."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .artefact import Columns
from .bodies import Record
from .errors import RequestError
from .manifest import MISSING, Feature, Manifest

ABSENT: Final = object()
FLOAT32_MAX: Final = float(np.finfo(np.float32).max)

type Convert = Callable[[Any], Any]


class Reader:
    """Lays records out by feature; what a manifest says is worked out once, not for every request."""

    def __init__(self, manifest: Manifest) -> None:
        self._model = manifest.model
        self._known = frozenset(feature.name for feature in manifest.features).union(manifest.columns)
        self._features = tuple((feature, CONVERTERS[feature.type]) for feature in manifest.features)

    def columns(self, records: Sequence[Record]) -> Columns:
        """Raises RequestError for the first value that the manifest does not allow."""
        known = self._known
        for record in records:
            if not known.issuperset(record):
                raise self._unknown(records)
        return {feature.name: _column(feature, convert, records) for feature, convert in self._features}

    def _unknown(self, records: Sequence[Record]) -> RequestError:
        row, name = next(
            (row, name) for row, record in enumerate(records) for name in record if name not in self._known
        )
        return RequestError(f"is not a column of model {self._model!r}", name, records[row][name], row=row)


def columns(records: Sequence[Record], manifest: Manifest) -> Columns:
    """As `Reader.columns`, once."""
    return Reader(manifest).columns(records)


def _column(feature: Feature, convert: Convert, records: Sequence[Record]) -> NDArray[Any]:
    name = feature.name
    values = [record.get(name, ABSENT) for record in records]
    try:
        found = [convert(value) for value in values]
    except (ValueError, OverflowError):
        found = [_value(feature, convert, value, row) for row, value in enumerate(values)]
    if feature.categorical:
        return np.array(found, dtype=object)
    return np.array(found, dtype=np.float32)


def _value(feature: Feature, convert: Convert, value: Any, row: int) -> Any:
    """The slow way, for columns in which something is missing or wrong."""
    if value is None or value is ABSENT:
        if not feature.nullable:
            raise RequestError("is missing" if value is ABSENT else "must not be null", feature.name, row=row)
        return MISSING if feature.categorical else np.nan
    try:
        return convert(value)
    except (ValueError, OverflowError) as error:
        reason = "is too large" if isinstance(error, OverflowError) else str(error)
        raise RequestError(reason, feature.name, value, row=row) from error


def _number(value: Any) -> float:
    if type(value) is not float:
        if type(value) is not int:
            raise ValueError("must be a number")
        value = float(value)
    if not -FLOAT32_MAX <= value <= FLOAT32_MAX:
        raise ValueError("must be a finite number that 32 bits can hold")
    return value  # type: ignore[no-any-return]


def _integer(value: Any) -> float:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("must be a whole number")
    return number


def _boolean(value: Any) -> float:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return float(value)


def _category(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise ValueError("must be valid Unicode, and holds half of a pair of surrogates")
    return value


CONVERTERS: Final[Mapping[str, Convert]] = {
    "integer": _integer,
    "float": _number,
    "boolean": _boolean,
    "category": _category,
}
