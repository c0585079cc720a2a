"""Seals on texts: who has the text and its seal knows that this stage made both."""

from __future__ import annotations

from typing import Protocol


class Seals(Protocol):
    def make(self, message: bytes) -> bytes:
        """HMAC-SHA-256 of the message: 32 bytes."""
        ...

    def check(self, message: bytes, seal: bytes) -> bool:
        """Whether the seal is this message's, told in the same time for any other."""
        ...
