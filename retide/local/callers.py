"""Who makes a call: functions and jobs carry a session token of their own, by which they are known, and killed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from retide.local.interfaces import ACCOUNT

HEADER: Final = "x-amz-security-token"
ROOT: Final = f"arn:aws:iam::{ACCOUNT}:root"


@dataclass(frozen=True, slots=True)
class Caller:
    """`kill` ends the caller's process as SIGKILL does, where it has one."""

    arn: str
    role: str = ""
    kill: Callable[[], object] | None = None


ANYBODY: Final = Caller(ROOT)


class Callers:
    """The tokens that are in use. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._known: dict[str, Caller] = {}

    def admit(self, caller: Caller) -> str:
        """A new token for a caller."""
        with self._lock:
            token = f"retide-caller-{next(self._numbers)}"
            self._known[token] = caller
        return token

    def dismiss(self, token: str) -> None:
        with self._lock:
            self._known.pop(token, None)

    def of(self, headers: Mapping[str, str]) -> Caller:
        """By the headers of a request; anybody without a known token is the account's root."""
        with self._lock:
            return self._known.get(headers.get(HEADER, ""), ANYBODY)
