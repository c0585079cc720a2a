"""Times as the ledger writes them (ISO 8601 in UTC), as people read them."""

from __future__ import annotations

from datetime import datetime


def between(start: str, end: str | None) -> float | None:
    """Seconds; None while there is no end."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() if end else None


def clock(at: str) -> str:
    """Date and time to the second, in the zone of this machine."""
    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def brief(at: str, now: datetime) -> str:
    """The time of today, or the day and the minute of any other day."""
    local = datetime.fromisoformat(at).astimezone()
    return f"{local:%H:%M:%S}" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d %H:%M}"
