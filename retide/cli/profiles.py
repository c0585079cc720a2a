"""Show what a profile says of numbers: how many are missing, where they lie, and how they spread."""

from __future__ import annotations

from typing import Final

from rich.table import Table

from retide.cli.output import plain, table
from retide.domain.profile import Profile

SHOWN: Final = ("p05", "p50", "p95")


def numbers(profile: Profile) -> Table:
    """A row for each column with a distribution; quantiles are read off its histogram: they are estimates."""
    shown = table("column", ">missing", ">least", *(f">~{name}" for name in SHOWN), ">greatest")
    for name, column in profile.columns.items():
        found = column.numbers
        if found and (quantiles := found.quantiles):
            values = (found.minimum, *(quantiles[share] for share in SHOWN), found.maximum)
            shown.add_row(plain(name), f"{column.nulls:,}", *(f"{value:.4g}" for value in values))
    return shown
