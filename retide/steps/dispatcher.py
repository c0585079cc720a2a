"""What the intake works with: the ports of dispatch and reconcile, and the names of the parts of their stage."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.catalogue import Catalogue
from retide.ledger import Ledger
from retide.ports import Clock, Executions, Objects, Registry


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """`account` is the one that this stage is deployed to: events of others are refused."""

    ledger: Ledger
    objects: Objects
    executions: Executions
    registry: Registry
    clock: Clock
    catalogue: Catalogue
    bucket: str
    stage: str
    account: str

    def now(self) -> str:
        return self.clock.now().isoformat(timespec="microseconds")
