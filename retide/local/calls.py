"""Every call that reached the cloud, in order: who made it in which role, which action on what, how it ended."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Final

from retide.local.interfaces import Json

KEPT: Final = 50_000


@dataclass(frozen=True, slots=True)
class Call:
    """`caller` and `role` are ARNs, of a function, a job, an execution, or the account's root for anybody else.

    `service` is the name that requests are signed with; `actions` are what IAM would check (the items of a DynamoDB
    transaction are actions of their own), `resource` the ARN that they are checked for, `*` where there is none.
    """

    caller: str
    role: str
    service: str
    operation: str
    actions: tuple[str, ...]
    resource: str


class CallLog:
    """The newest calls; older ones are dropped, and counted by the numbers that are missing."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._calls: deque[tuple[int, Call, int | str]] = deque(maxlen=kept)
        self._count = 0

    def record(self, call: Call, status: int | str) -> None:
        """`status` is HTTP's, or the error's name where a state machine made the call."""
        with self._lock:
            self._count += 1
            self._calls.append((self._count, call, status))

    def after(self, number: int) -> Json:
        """What came after call `number` (0: everything), and how many of those are forgotten already."""
        with self._lock:
            found = [entry for entry in self._calls if entry[0] > number]
            forgotten = max(0, (self._calls[0][0] if self._calls else self._count + 1) - 1 - number)
            last = self._count
        calls = [{"number": at, **asdict(call), "status": status} for at, call, status in found]
        return {"calls": calls, "forgotten": forgotten, "last": last}
