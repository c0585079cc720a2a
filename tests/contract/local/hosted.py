"""A cloud inside this process, so that a test can register services of its own and look at what they were asked."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from retide.local import executions
from retide.local.clock import Clock
from retide.local.cloud import Running
from retide.local.extension import Extension
from retide.local.interfaces import HOST, Route
from tests.contract.local.account import Account


class Hosted:
    """Serves in a thread between `with` and its end. MiniStack is one per process: make one of these per process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = Clock()
        self.extension = Extension()
        self.routes: dict[str, Route] = {}
        self._listener = socket.socket()
        self._listener.bind((HOST, 0))
        self._listener.listen(128)
        port = self._listener.getsockname()[1]
        self.running = Running(f"http://{HOST}:{port}", port, os.getpid())
        self.account = Account(self.running.endpoint_url)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        executions.install()
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self.extension.close()
        self.clock.close()

    def _serve(self) -> None:
        asyncio.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        from retide.local.gateway import Gateway, answer

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await answer(Gateway(self.clock, self._ready.set, self.routes), self._listener, self._stop)
