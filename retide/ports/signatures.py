"""Signatures on texts: who checks one knows who made it, and cannot make another."""

from __future__ import annotations

from typing import Protocol


class Signatures(Protocol):
    def sign(self, message: bytes) -> bytes:
        """At most 192 bytes; for the same message another one each time."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether it was made of this very message with this stage's key."""
        ...
