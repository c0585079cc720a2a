"""What breaking a rule does to an object, and which rules there are: of its rows, and of the object as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """Refuse the object, take the rows out that break the rule and accept the rest, or accept it and say so."""

    REFUSE = "refuse"
    QUARANTINE = "quarantine"
    WARN = "warn"


class Scope(StrEnum):
    """Among which rows something is unique: those of one object, or those of all accepted objects."""

    OBJECT = "object"
    EVERYWHERE = "everywhere"


CHECK: Final = "check:"  # and the name of a check: its rule
ROW_RULES: Final = ("type", "required", "range", "values", "pattern", "unique", "shape")  # and every check
OBJECT_RULES: Final[Mapping[str, Severity]] = {
    "readable": Severity.REFUSE,
    "columns": Severity.REFUSE,
    "missing": Severity.REFUSE,
    "reject_rows": Severity.REFUSE,
    "rows": Severity.WARN,
    "freshness": Severity.WARN,
    "label": Severity.WARN,
    "leakage": Severity.WARN,
    "drift": Severity.WARN,
    "target": Severity.WARN,
}
OBJECT_SEVERITIES: Final = (Severity.REFUSE, Severity.WARN)
NO_ROWS: Final = "a rule about a whole object knows no rows to take out"
COLUMN_SEVERITIES: Final[Mapping[str, tuple[Severity, ...]]] = {
    "type": (Severity.REFUSE, Severity.QUARANTINE),
    "required": (Severity.REFUSE, Severity.QUARANTINE),
    "range": tuple(Severity),
    "values": tuple(Severity),
    "pattern": tuple(Severity),
    "unique": tuple(Severity),
    "missing": OBJECT_SEVERITIES,
}


def is_row_rule(rule: str) -> bool:
    """Whether a finding of this rule knows its rows, so that they alone can be taken out."""
    return rule in ROW_RULES or rule.startswith(CHECK)
