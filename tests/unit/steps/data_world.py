"""The deployment in memory with data in it: files arrive, are claimed, judged by the real judge and frozen."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retide.data import judge
from retide.domain import layout
from retide.domain.contract import Contract
from retide.domain.layout import RunId
from retide.domain.verdict import Verdict
from retide.steps.freeze import FreezeRequest, Frozen, freeze
from retide.steps.recording import Validated
from retide.steps.validate import ValidateRequest, validate
from tests.fakes import FakeObjects
from tests.unit.churn import CHURN
from tests.unit.data.tables import csv_text
from tests.unit.steps.world import World, wish

type Table = list[list[object]]


class Crash(Exception):
    """The function was killed."""


class CrashingObjects(FakeObjects):
    """A bucket whose function dies before the write that `crash_at` counts down to."""

    crash_at: int | None = None

    def put(self, key: str, data: bytes) -> None:
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at < 0:
                raise Crash
        super().put(key, data)


@dataclass
class CountingJudge:
    """The real judge, counting its calls; it breaks off where a file holds `poison`."""

    calls: int = 0
    poison: bytes | None = None

    def __call__(self, path: Path, contract: Contract, **wanted: Any) -> Verdict:
        self.calls += 1
        if self.poison and self.poison in path.read_bytes():
            raise MemoryError("no more of it")
        return judge(path, contract, **wanted)


@dataclass
class DataWorld(World):
    objects: CrashingObjects = field(default_factory=CrashingObjects)
    judge: CountingJudge = field(default_factory=CountingJudge)
    contract: dict[str, Any] = field(default_factory=lambda: {**CHURN, "policy": {"min_rows": 10}})

    def arrive(self, *files: Table | bytes) -> None:
        """Each file in a batch of its own; names go on counting."""
        for content in files:
            data = content if isinstance(content, bytes) else csv_text(content).encode()
            self.dispatch(self.put(f"incoming/m/{len(self.ledger.objects('m')):03d}.csv", data))

    def ask(self, key: str = "k1") -> None:
        self.dispatch(wish(key))

    def take(self) -> tuple[str, int, int]:
        """Claim what waits: the run, its fence, how many objects."""
        head = self.ledger.head("m")
        claimed = self.claim(head.generation, head.attempt)
        return str(head.run("m")), claimed.fence, len(claimed.objects)

    def validate(self, run: str, fence: int, index: int = 0) -> Validated:
        """`index` is the object's place in the claim."""
        record = self.ledger.run(RunId.parse(run))
        assert record is not None
        return self.validate_object(run, fence, record.objects[index])

    def validate_object(self, run: str, fence: int, name: str) -> Validated:
        request = ValidateRequest(run, fence, name)
        return validate(request, catalogue=self.catalogue, objects=self.objects, ledger=self.ledger, judge=self.judge)

    def freeze_run(self, run: str, fence: int) -> Frozen:
        return freeze(
            FreezeRequest(run, fence),
            catalogue=self.catalogue,
            objects=self.objects,
            ledger=self.ledger,
            judge=self.judge,
            clock=self.clock,
        )

    def take_in(self, *files: Table | bytes) -> Frozen:
        """A whole run as far as its dataset."""
        self.arrive(*files)
        run, fence, count = self.take()
        for index in range(count):
            self.validate(run, fence, index)
        frozen = self.freeze_run(run, fence)
        self.release(frozen.outcome.value, run, fence)
        return frozen

    def document(self, key: str) -> Any:
        return json.loads(self.objects.get(key))

    def dataset(self, frozen: Frozen, name: str = "manifest.json") -> Any:
        return self.document(layout.dataset("m", frozen.id, name))
