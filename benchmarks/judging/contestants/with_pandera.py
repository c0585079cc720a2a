"""What pandera's errors mean, the same for both of its engines."""

from __future__ import annotations

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
    for error in errors.schema_errors:
        reason = error.reason_code.name
        name = getattr(error.check, "name", None)
        kind = _OURS.get(reason) or (name if name in r.FAULTS else f"{reason} {error.schema.name}")
        found.setdefault(kind, _row(error.failure_cases))
    return found


def _row(cases: Any) -> int | None:
    """The index of the first case, from 1; pandera gives none for a check of a whole column."""
    if not hasattr(cases, "columns") or "index" not in cases.columns:
        return None
    indices = (
        [int(index) for index in cases["index"].drop_nulls().to_list()]
        if hasattr(cases, "lazy")
        else [int(index) for index in cases["index"].dropna()]
    )
    return min(indices) + 1 if indices else None
