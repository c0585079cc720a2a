"""A client that costs little: prebuilt requests over connections that stay, one thread, no library."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

HOST = "127.0.0.1"


class Refused(Exception):
    """The server answered with something else than 200, or not at all."""


def post(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Connection:
    """One request under way at a time."""

    port: int
    socket: socket.socket = field(init=False)
    began: float = 0.0
    _seen: bytes = b""

    def __post_init__(self) -> None:
        self.socket = socket.create_connection((HOST, self.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come; whether the answer is whole. Raises Refused."""
        data = self.socket.recv(65_536)
        if not data:
            raise Refused("the connection was closed")
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found or not _whole(head.lower(), body):
            return False
        if b" 200 " not in head[:20]:
            raise Refused(self._seen[:300].decode(errors="replace"))
        self._seen = b""
        return True


def _whole(head: bytes, body: bytes) -> bool:
    _, said, rest = head.partition(b"content-length:")
    return len(body) >= int(rest.partition(b"\r\n")[0]) if said else body.endswith(b"0\r\n\r\n")


def latencies(port: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Seconds that each answer took, one after the other over one connection."""
    connection, seen, number = Connection(port), [], 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        connection.ask(requests[number % len(requests)])
        while not connection.receive():
            pass
        seen.append(time.perf_counter() - connection.began)
        number += 1
    connection.socket.close()
    return seen


def throughput(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> float:
    """Answers per second to that many clients, each of which waits for its answer before it asks again."""
    waiting = selectors.DefaultSelector()
    for number in range(clients):
        connection = Connection(port)
        waiting.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask(requests[number % len(requests)])
    began, answered = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for key, _ in waiting.select(5):
            if key.data.receive():
                answered += 1
                key.data.ask(requests[answered % len(requests)])
    taken = time.perf_counter() - began
    for key in list(waiting.get_map().values()):
        key.data.socket.close()
    return answered / taken
