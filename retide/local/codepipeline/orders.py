"""What an action is asked to do, and by whom it is done."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from retide.local.codepipeline.definition import Action
from retide.local.codepipeline.executions import Artifact, Outcome, Override, failure
from retide.local.errors import ApiError

logger = logging.getLogger("retide.local.codepipeline")

PIPELINE_CHARACTERS, ARTIFACT_CHARACTERS = 20, 10


@dataclass(frozen=True, slots=True)
class Order:
    """One action, with every variable in its configuration replaced; `token` is an approval's."""

    pipeline: str
    execution: str
    stage: str
    action: Action
    configuration: dict[str, str]
    inputs: tuple[Artifact, ...]
    bucket: str
    override: Override | None
    token: str | None

    def output(self, name: str) -> Artifact:
        """Where an output artefact is to be kept, named as AWS names it."""
        folder = f"{self.pipeline[:PIPELINE_CHARACTERS]}/{name[:ARTIFACT_CHARACTERS]}"
        return Artifact(name, self.bucket, f"{folder}/{secrets.token_hex(4)[:7]}")


Started = Callable[[str, str], object]
"""Tells the id and the address of what was started outside."""
Report = Callable[[Outcome], object]


class Worker(Protocol):
    """Does the actions of one provider."""

    def begin(self, order: Order, started: Started, report: Report) -> None:
        """Do it, or set it off; `report` is called once, now or later. May raise ApiError instead."""


def carry_out(worker: Worker, order: Order, started: Started, report: Report) -> None:
    """Whatever goes wrong, the action ends and says why."""
    try:
        worker.begin(order, started, report)
    except ApiError as error:
        report(failure("ConfigurationError", f"{error.code}: {error.message}"))
    except Exception as problem:
        logger.exception("the action %s failed inside the local cloud", order.action.name)
        report(failure("SystemUnavailable", f"{type(problem).__name__}: {problem}"))
