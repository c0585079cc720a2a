"""The rules as a contract of ours."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.judging import rules
from benchmarks.judging.rules import Field, Rules
from retide.domain.contract import Contract, parse

ACROSS_CHECK: Final = "in_order"
# Which kind of fault a rule of ours finds.
KINDS: Final = {
    "required": rules.MISSING_VALUE,
    "range": rules.RANGE,
    "values": rules.CATEGORY,
    "pattern": rules.PATTERN,
    "unique": rules.DUPLICATE,
    f"check:{ACROSS_CHECK}": rules.ACROSS,
    "drift": rules.SHIFT,
    "missing": rules.MISSING_RATE,
    "freshness": rules.STALE,
    "type": rules.TYPE,
}


def contract(table: Rules) -> Contract:
    raw = {
        "task": "classification",
        "target": table.target,
        "id": [table.unique],
        "event_time": table.earlier,
        "columns": {field.name: _column(field) for field in table.fields},
        "metric": {"name": "roc_auc"},
        "checks": [{"name": ACROSS_CHECK, "rule": f"{table.later} >= {table.earlier}"}],
        "freshness": {"max_age_hours": rules.MAX_AGE_HOURS, "severity": "refuse"},
        "drift": {"psi": rules.PSI, "severity": "refuse"},
        "policy": {"max_missing": rules.MAX_MISSING},
    }
    return parse(raw, rules.MODEL)


def _column(field: Field) -> dict[str, Any]:
    settings = {
        "type": field.kind,
        "nullable": field.nullable or None,
        "min": field.low,
        "max": field.high,
        "values": list(field.values) or None,
        "pattern": field.pattern or None,
        "unique": field.unique or None,
    }
    return {name: value for name, value in settings.items() if value is not None}
