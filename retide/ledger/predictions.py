"""The batches of files that were predicted: put when one begins, completed when it ends."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.ledger import BatchRecord
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Put, When


class Predictions(Base):
    def begin_batch(self, model: str, record: BatchRecord) -> BatchRecord:
        """The record as it stands: the first one of a batch stays, however often it is begun."""
        try:
            self._table.transact(Put(keys.prediction(model, record.batch), fields(record), When(absent=True)))
        except ConditionFailed:
            return self.batch_record(model, record.batch) or record
        return record

    def end_batch(self, model: str, record: BatchRecord) -> None:
        self._table.transact(Put(keys.prediction(model, record.batch), fields(record)))

    def batch_record(self, model: str, batch: str) -> BatchRecord | None:
        item = self._table.get(keys.prediction(model, batch))
        return None if item is None else parse(BatchRecord, item)

    def batch_records(self, model: str) -> tuple[BatchRecord, ...]:
        items = self._table.query(keys.partition(model), keys.PREDICTION)
        return tuple(parse(BatchRecord, item) for item in items)
