"""Puts one cloud together: the clock, the mends of MiniStack, our services, and the gateway in front of them all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from retide.local import executions, gateway, mends, oidc, sagemaker
from retide.local.clock import Clock
from retide.local.extension import Extension
from retide.local.interfaces import HOST, Service, Settings

SERVICES: Final[tuple[Callable[[Extension, Settings], Service], ...]] = (sagemaker.install, oidc.install)
"""What runs beside MiniStack's own services."""


async def serve(home: Path, images: Mapping[str, Path], listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then end everything that the services have started."""
    clock, extension = Clock(), Extension()
    settings = Settings(home, f"http://{HOST}:{listener.getsockname()[1]}", images, clock)
    executions.install()
    mends.install(settings)
    services = [install(extension, settings) for install in SERVICES]
    threading.Thread(target=extension.load_cloudformation, daemon=True).start()
    try:
        routes = {path: route for service in services for path, route in service.routes.items()}
        await gateway.serve(gateway.Gateway(clock, ready, routes), listener)
    finally:
        for service in services:
            service.close()
        extension.close()
        clock.close()
