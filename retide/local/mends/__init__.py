"""What MiniStack does otherwise than AWS, mended in one place; a contract test says when a mend is due."""

from __future__ import annotations

from retide.local.interfaces import Settings
from retide.local.mends import (
    addresses,
    alarms,
    endings,
    events,
    functions,
    logs,
    machines,
    maps,
    objects,
    queries,
    services,
)


def install(settings: Settings) -> None:
    """Mend MiniStack in this process, before it serves. Each mend wraps or replaces functions by their own names."""
    events.install()
    functions.install(settings.home)
    machines.install()
    maps.install()
    endings.install(settings.clock)
    services.install()
    logs.install()
    objects.install()
    alarms.install(settings.clock)
    addresses.install()
    queries.install()
