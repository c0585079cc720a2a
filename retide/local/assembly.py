"""Puts one cloud together: the clock, the mends of MiniStack, our services, and the gateway in front of them all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from retide.local import autoscaling, delivery, executions, gateway, mends, oidc, sagemaker
from retide.local.clock import Clock
from retide.local.extension import Extension
from retide.local.faults.desk import Desk
from retide.local.interfaces import HOST, Service, Settings

SERVICES: Final[tuple[Callable[[Extension, Settings], Service], ...]] = (
    sagemaker.install,
    autoscaling.install,
    oidc.install,
    delivery.install,
)
"""What runs beside MiniStack's own services."""


async def serve(home: Path, images: Mapping[str, Path], listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then end everything that the services have started."""
    clock, extension = Clock(), Extension()
    desk = Desk(clock)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    settings = Settings(home, url, images, clock, job_fault=desk.job_fault, admit=desk.callers.admit)
    executions.install()
    mends.install(settings)
    desk.install()
    services = [install(extension, settings) for install in SERVICES]
    threading.Thread(target=extension.load_cloudformation, daemon=True).start()
    try:
        routes = dict(desk.routes)
        for service in services:
            routes.update(service.routes)
        await gateway.serve(gateway.Gateway(clock, ready, routes), listener)
    finally:
        for service in services:
            service.close()
        extension.close()
        clock.close()
