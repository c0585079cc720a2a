"""The rules that every contestant is given, said once; each puts as many of them as it can into its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["integer", "float", "boolean", "category", "string", "timestamp"]

# What can be wrong with a file: the kinds of faults that are planted, and what a contestant says it found.
MISSING_VALUE: Final = "missing value"
RANGE: Final = "range"
CATEGORY: Final = "category"
PATTERN: Final = "pattern"
DUPLICATE: Final = "duplicate"
ACROSS: Final = "across columns"
SHIFT: Final = "shift"
MISSING_RATE: Final = "missing rate"
STALE: Final = "stale"
TYPE: Final = "type"
FAULTS: Final = (MISSING_VALUE, RANGE, CATEGORY, PATTERN, DUPLICATE, ACROSS, SHIFT, MISSING_RATE, STALE, TYPE)

ARRIVED: Final = "2026-11-20T12:00:00+00:00"
MAX_AGE_HOURS: Final = 48
MAX_MISSING: Final = 0.1  # share of a nullable column
PSI: Final = 0.25


@dataclass(frozen=True, slots=True)
class Field:
    """One column: `low` and `high` are inclusive, `values` is the allowed set, `pattern` what a whole text matches."""

    name: str
    kind: Kind
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    pattern: str = ""
    unique: bool = False

    @property
    def numeric(self) -> bool:
        return self.kind in {"integer", "float"}


@dataclass(frozen=True, slots=True)
class Rules:
    """A table's columns; `later` must not lie before `earlier` in any row, and the newest `earlier` tells its age."""

    fields: tuple[Field, ...]
    target: str = "returned"
    earlier: str = "ordered"
    later: str = "delivered"

    @property
    def unique(self) -> str:
        return next(field.name for field in self.fields if field.unique)

    @property
    def drifting(self) -> tuple[Field, ...]:
        """Columns that are compared with the reference."""
        return tuple(field for field in self.fields if (field.numeric or field.kind == "category") and not field.unique)


COUNTRIES: Final = ("AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "SE")
CHANNELS: Final = ("app", "phone", "shop", "web")
MODEL: Final = "orders"

_ORDER: Final = (
    Field("order_id", "integer", unique=True),
    Field("ordered", "timestamp"),
    Field("delivered", "timestamp", nullable=True),
    Field("amount", "float", low=0, high=20_000),
    Field("quantity", "integer", low=1, high=100),
    Field("discount", "float", nullable=True, low=0, high=1),
    Field("country", "category", values=COUNTRIES),
    Field("channel", "category", nullable=True, values=CHANNELS),
    Field("sku", "string", pattern="[A-Z]{2}-[0-9]{6}"),
    Field("returned", "boolean"),
)

TEN: Final = Rules(_ORDER)
WIDE: Final = Rules(
    (
        *_ORDER,
        *(Field(f"measure_{n:03}", "float", nullable=n % 5 == 0, low=-1_000, high=1_000) for n in range(100)),
        *(Field(f"count_{n:02}", "integer", low=0, high=1_000) for n in range(50)),
        *(Field(f"kind_{n:02}", "category", values=CHANNELS) for n in range(40)),
    )
)
TABLES: Final = {10: TEN, 200: WIDE}
