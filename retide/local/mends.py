"""What MiniStack does otherwise than AWS, mended in one place; a contract test says when a mend is due."""

from __future__ import annotations

from retide.local.interfaces import Settings


def install(settings: Settings) -> None:
    """Mend MiniStack in this process, before it serves."""
