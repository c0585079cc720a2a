"""A link that decides about one version: what it says, and the text that it travels as."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from retide.domain.codec import CodecError, parse, serialise
from retide.domain.ledger import Standing

PATH: Final = "/approval"
TOKEN: Final = re.compile(r"([A-Za-z0-9_-]{1,600})\.([A-Za-z0-9_-]{43})")
PURPOSE: Final = "retide-approval-1"
"""Signed with every ticket: nothing else that the key may ever sign can pass as a link."""


class NoTicket(ValueError):
    """A text that is no link of ours."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link may do, until `expires`: seconds since 1970."""

    stage: str
    model: str
    version: int
    decision: Standing
    expires: int

    @property
    def message(self) -> bytes:
        """What is signed: one spelling of it."""
        return f"{PURPOSE}\n{self.text}".encode()

    @property
    def text(self) -> str:
        return json.dumps(serialise(self), sort_keys=True, separators=(",", ":"))


def to_token(ticket: Ticket, seal: bytes) -> str:
    """`seal` is the HMAC-SHA-256 of the ticket's message: 32 bytes."""
    return f"{_encode(ticket.text.encode())}.{_encode(seal)}"


def from_token(token: str) -> tuple[Ticket, bytes]:
    """The ticket and the seal that was given with it, which nobody has checked yet; raises NoTicket."""
    found = TOKEN.fullmatch(token)
    if found is None:
        raise NoTicket("it does not look like a link of ours")
    try:
        ticket = parse(Ticket, json.loads(_decode(found[1])))
    except (CodecError, ValueError, RecursionError):
        raise NoTicket("it says nothing that can be read") from None
    seal = _decode(found[2])
    if ticket.decision is Standing.AWAITING or to_token(ticket, seal) != token:
        raise NoTicket("it is not spelt as ours are")
    return ticket, seal


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
