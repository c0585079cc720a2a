"""Where faults are asked for and calls are looked up: by HTTP, beside AWS's own APIs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from retide.local.callers import Callers
from retide.local.calls import CallLog
from retide.local.clock import Clock
from retide.local.faults import platform, rules, schedules, workers
from retide.local.faults.book import Faults
from retide.local.faults.deliveries import Deliveries
from retide.local.faults.rules import JobFault
from retide.local.faults.traffic import Traffic
from retide.local.interfaces import CALLS, FAULTS, SCHEDULES, Json, Route

Answer = tuple[int, Json]
NOT_SO: Final = "{} {} is not answered here: {}"


class Desk:
    """All that watches and disturbs one cloud; `install` it after the emulator is mended, so that it stands outside."""

    def __init__(self, clock: Clock) -> None:
        self.callers = Callers()
        self._clock = clock
        self._log = CallLog()
        self._faults = Faults()

    def install(self) -> None:
        workers.install(self.callers)
        platform.install(self._log)
        Deliveries(self._faults, self._clock).install()
        Traffic(self._faults, self._log, self.callers).install()

    def job_fault(self, kind: str, name: str) -> JobFault | None:
        """What was asked to go wrong with this job, which counts it."""
        return self._faults.strike(JobFault, lambda fault: fault.job in ("", kind) and fault.name in name)

    @property
    def routes(self) -> Mapping[str, Route]:
        return {FAULTS: self._answer_faults, CALLS: self._answer_calls, SCHEDULES: self._answer_schedules}

    def _answer_faults(self, method: str, rest: str, body: bytes) -> Answer:
        """POST one fault, GET all with how often they struck, DELETE all or /<id>."""
        if method == "POST" and not rest:
            return 201, self._faults.add(rules.read(json.loads(body)))
        if method == "GET" and not rest:
            return 200, {"faults": self._faults.list()}
        if method == "DELETE":
            name = rest.strip("/") or None
            removed = self._faults.remove(name)
            return (200, {"removed": removed}) if removed or not name else (404, {"message": f"there is no {name}"})
        return 405, {"message": NOT_SO.format(method, rest, "POST a fault, GET the list, DELETE all or one by its id")}

    def _answer_calls(self, method: str, rest: str, _body: bytes) -> Answer:
        """GET everything, or with ?after=<number> what came since."""
        if method != "GET":
            return 405, {"message": NOT_SO.format(method, rest, "GET the calls, with ?after=<number> those since")}
        after = parse_qs(rest.partition("?")[2]).get("after", ["0"])[0]
        return 200, self._log.after(int(after))

    def _answer_schedules(self, method: str, rest: str, body: bytes) -> Answer:
        if method == "GET" and not rest:
            return 200, {"schedules": schedules.names()}
        if method == "POST" and rest == "/fire":
            return 200, {"fired": schedules.fire(str(json.loads(body)["name"]))}
        return 405, {"message": NOT_SO.format(method, rest, 'GET the names, or POST {"name": …} to /fire')}
