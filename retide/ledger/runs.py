"""The runs of a model: put when a run claims its work, completed when it ends."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.layout import RunId
from retide.domain.ledger import RunRecord
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Delete, Fenced, Put, Update, When


class Runs(Base):
    def write_run(self, record: RunRecord, fence: int) -> None:
        run = RunId.parse(record.run)
        self._write_fenced(run.model, fence, Put(keys.run(run), fields(record)))

    def begin_run(self, record: RunRecord, fence: int) -> None:
        """Put a new run's record and count the run against its day; repeated, it counts once."""
        run, day = RunId.parse(record.run), record.started_at[: len("2026-01-01")]
        counted = Update(
            keys.head(run.model),
            {"day": day, "runs": self.head(run.model).runs_on(day) + 1, "stillborn": None},
            When(equals={"token": fence}),
        )
        put = Put(keys.run(run), fields(record), When(absent=True))
        try:
            self._table.transact(counted, put, Delete(keys.deferral(run.model)))
        except ConditionFailed as failed:
            if 0 in failed.failed:
                raise Fenced(f"the lease of {run.model} has passed on: token {fence} is no longer valid") from None

    def run(self, run: RunId) -> RunRecord | None:
        item = self._table.get(keys.run(run))
        return None if item is None else parse(RunRecord, item)

    def attempts(self, model: str, generation: int) -> tuple[RunRecord, ...]:
        """The runs of one generation, in the order of their attempts."""
        items = self._table.query(keys.partition(model), keys.generation(generation))
        return tuple(parse(RunRecord, item) for item in items)

    def runs(self, model: str) -> tuple[RunRecord, ...]:
        """Oldest first."""
        return tuple(parse(RunRecord, item) for item in self._table.query(keys.partition(model), keys.RUN))
