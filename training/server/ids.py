"""Random identifiers in the form of UUIDs."""

from __future__ import annotations

import os


def fresh() -> str:
    """A UUID of version 4 (RFC 9562); the standard library's own takes longer than reading a request's body."""
    drawn = os.urandom(16).hex()
    variant = "89ab"[int(drawn[16], 16) & 3]
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:]}"
