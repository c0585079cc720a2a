"""A deployed stage as `watch` sees it: executions from Step Functions, endings and open ends from the records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from retide.cli.executions import NAME, Execution, StateSeen, newest, states
from retide.cli.output import counted
from retide.cli.stage import Stage
from retide.domain.environment import package_group_name
from retide.domain.layout import RunId
from retide.domain.ledger import Cause, Request, Waiting
from retide.ports import Machine, Status

COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class StageView:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def executions(self) -> tuple[Execution, ...]:
        return newest(self._stage)

    def states(self, execution: Execution) -> tuple[StateSeen, ...]:
        return states(self._stage, execution)

    def ending(self, execution: Execution) -> tuple[str, str]:
        """Outcome and reason from the run's or the release's record; Step Functions' status where there is none."""
        ledger = self._stage.ledger
        if execution.machine is Machine.RETRAIN:
            run = ledger.run(RunId.parse(execution.name))
            return (run.outcome, "; ".join(run.reasons)) if run and run.outcome else (_status(execution), "")
        named = NAME.fullmatch(execution.name)
        release = named and ledger.release(named["model"], int(named["number"]), int(named["attempt"]))
        return (release.verdict, release.reason) if release else (_status(execution), "")

    def unsettled(self, model: str) -> tuple[str, ...]:
        return tuple(self._unsettled(model))

    def causes(self, execution: Execution) -> tuple[str, ...]:
        run = self._stage.ledger.run(RunId.parse(execution.name))
        return run.causes if run else ()

    def _unsettled(self, model: str) -> Iterator[str]:
        waiting = self._stage.ledger.waiting(model)
        deferred = self._stage.ledger.deferral(model) is not None
        if (
            waiting.fresh and not deferred
        ):  # what a failed run gave back waits for a person or for newer data, not for us
            yield from (f"{version.key} waits for a run" for version in waiting.objects)
            yield from (f"a retrain for {wish.cause} waits" for wish in self._acted_on(model, waiting))
        if queued := self._queued():
            yield f"the queue holds {counted(queued, 'message')}"
        if version := self._undeployed(model):
            yield f"version {version} is approved and not deployed yet"

    def _acted_on(self, model: str, waiting: Waiting) -> tuple[Request, ...]:
        """New code alone starts nothing before the first data came."""
        only_code = all(wish.cause is Cause.CODE for wish in waiting.requests) and not waiting.objects
        return () if only_code and not self._stage.ledger.accepted(model) else waiting.requests

    def _queued(self) -> int:
        queue = self._stage.output("ArrivalsQueueUrl")
        seen = self._stage.clients.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(COUNTS))
        return sum(int(seen["Attributes"][name]) for name in COUNTS)

    def _undeployed(self, model: str) -> int | None:
        """The newest approved version, unless it serves or a rollout of it has ended."""
        versions = self._stage.registry.versions(package_group_name(self._stage.name, model))
        newest_approved = next((version for version, _, status in versions if status is Status.APPROVED), 0)
        if newest_approved <= self._stage.ledger.endpoint(model).version:
            return None
        tried = {release.version for release in self._stage.ledger.releases(model)}
        return None if newest_approved in tried else newest_approved


def _status(execution: Execution) -> str:
    return execution.status.lower().replace("_", " ")
