"""The cloud's front door: MiniStack's application, and before it the few requests that only a local cloud answers."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import datetime
from typing import Any

from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import hypercorn_compat
from ministack.services import stepfunctions

from retide.local.clock import Clock
from retide.local.interfaces import CLOCK, Json, NoAnswer, Route

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Gateway:
    """An ASGI application; `ready` is called once, when requests are answered, `routes` are answered by path."""

    def __init__(self, clock: Clock, ready: Callable[[], None], routes: Mapping[str, Route]) -> None:
        self._clock = clock
        self._ready = ready
        self._routes = {CLOCK: self._time, **routes}
        self._up = asyncio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and (path := self._route(scope["path"])):
            await self._answer(path, scope, receive, send)
        else:
            await _pass_on(scope, receive, send)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        """MiniStack starts; its own shutdown is left out, for it imports services only to find nothing to stop."""
        started = asyncio.get_running_loop().create_task(ministack.app(scope, receive, self._noticing(send)))
        await self._up.wait()
        started.cancel()
        while (await receive())["type"] != "lifespan.shutdown":
            continue
        await send({"type": "lifespan.shutdown.complete"})

    def _noticing(self, send: Send) -> Send:
        async def notice(message: Message) -> None:
            await send(message)
            self._up.set()
            self._ready()

        return notice

    def _route(self, path: str) -> str | None:
        """The longest route that the path is or lies below."""
        found = [route for route in self._routes if path == route or path.startswith(f"{route}/")]
        return max(found, key=len, default=None)

    async def _answer(self, path: str, scope: Message, receive: Receive, send: Send) -> None:
        rest, query = scope["path"].removeprefix(path), scope.get("query_string", b"").decode()
        asked = f"{rest}?{query}" if query else rest
        try:
            route = self._routes[path]
            status, answer = await asyncio.to_thread(route, scope["method"], asked, await _body(receive))
        except (ValueError, TypeError) as error:
            status, answer = 400, {"message": f"{path}: {error}"}
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _time(self, method: str, _rest: str, body: bytes) -> tuple[int, Json]:
        if method == "POST":
            change_time(self._clock, json.loads(body))
        return 200, {
            "now": self._clock.now().isoformat(),
            "held": self._clock.held,
            "wait_scale": stepfunctions._SFN_WAIT_SCALE,
        }


async def _pass_on(scope: Message, receive: Receive, send: Send) -> None:
    try:
        await ministack.app(scope, receive, send)
    except NoAnswer:  # a promised byte that never comes is how a client learns that the connection has ended
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"", "more_body": True})


def change_time(clock: Clock, changes: Json) -> None:
    """Apply {"hold": true or an ISO moment, "advance": seconds, "release": true, "wait_scale": factor}, in this order.

    Raises ValueError or TypeError for anything else, before anything was changed.
    """
    unknown = sorted(set(changes) - {"hold", "advance", "release", "wait_scale"})
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}: give hold, advance, release or wait_scale")
    hold = changes.get("hold", False)
    at = datetime.fromisoformat(hold).timestamp() if isinstance(hold, str) else None
    advance = _not_negative(changes, "advance", 0.0)
    scale = _not_negative(changes, "wait_scale", stepfunctions._SFN_WAIT_SCALE)
    if hold:
        clock.hold(at)
    clock.advance(advance)
    if changes.get("release"):
        clock.release()
    stepfunctions._SFN_WAIT_SCALE = scale


def _not_negative(changes: Json, name: str, default: float) -> float:
    value = float(changes.get(name, default))
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} is {value:g}: give a finite number of at least 0")
    return value


async def serve(gateway: Gateway, listener: socket.socket) -> None:
    """Answer requests on the bound socket until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await answer(gateway, listener, stop)


async def answer(gateway: Gateway, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests on the bound socket until `stop` is set."""
    hypercorn_compat.install()
    await serve_asgi(gateway, _config(listener), shutdown_trigger=stop.wait)  # type: ignore[arg-type]


def _config(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2
    config.shutdown_timeout = 5
    return config


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
