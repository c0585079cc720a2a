"""What pandera's errors mean, the same for both of its engines."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, Final

from benchmarks.judging import rules as r
from benchmarks.judging.contestant import Found

OLDEST: Final = datetime.fromisoformat(r.ARRIVED).replace(tzinfo=None) - timedelta(hours=r.MAX_AGE_HOURS)
_OURS: Final = {
    "SERIES_CONTAINS_NULLS": r.MISSING_VALUE,
    "SERIES_CONTAINS_DUPLICATES": r.DUPLICATE,
    "WRONG_DATATYPE": r.TYPE,
}


def kinds(errors: Any) -> Found:
    """A failed check appears by its name, everything else by pandera's reason; with the first row that failed."""
    found: dict[str, int | None] = {}
    cases = errors.failure_cases
    rows = list(zip(cases["check"], cases["index"], strict=True))
    for error in errors.schema_errors:
        reason = error.reason_code.name
        name = getattr(error.check, "name", None)
        kind = _OURS.get(reason) or (name if name in r.FAULTS else f"{reason} {error.schema.name}")
        found.setdefault(kind, _first(rows, error))
    return found


def _first(rows: list[tuple[Any, Any]], error: Any) -> int | None:
    """The first row that fails this check, from 1; pandera gives none for a check of a whole column."""
    checks = {str(error.check), getattr(error.check, "error", None), getattr(error.check, "name", None)}
    indices = [int(index) for check, index in rows if check in checks and not (index is None or math.isnan(index))]
    return min(indices) + 1 if indices else None
