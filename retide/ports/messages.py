"""Queues, their dead letters, and notices to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Queue(Protocol):
    def send(self, message: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed too often; `handle` is what it is deleted by, `why` what was heard of its last failure."""

    body: str
    handle: str
    id: str = ""
    why: str = ""


class Letters(Protocol):
    """A queue of dead letters."""

    def receive(self) -> tuple[DeadLetter, ...]:
        """Some of its messages, which nobody else gets for a while; none where it is empty."""
        ...

    def discard(self, letter: DeadLetter) -> None:
        """Take it off this queue, once it is kept elsewhere."""
        ...


class DeadLetters(Letters, Protocol):
    """The dead letters of the arrivals."""

    def redrive(self, letter: DeadLetter) -> None:
        """Send it to the arrivals again, and take it off this queue."""
        ...


class Notices(Protocol):
    """Where people hear of what happened."""

    def publish(self, subject: str, text: str) -> None: ...
