"""Wait for the SageMaker jobs that a person started, and stop them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError

PAUSE_SECONDS: Final = 2.0
MOVING: Final = frozenset({"InProgress", "Stopping"})


class JobFailed(Exception):
    """A job came to no result; the message is its own reason."""


def wait_for_training(sagemaker: Any, job: str) -> None:
    """Raises JobFailed."""
    _wait(lambda: _training(sagemaker, job))


def wait_for_processing(sagemaker: Any, job: str) -> None:
    """Raises JobFailed."""
    _wait(lambda: _processing(sagemaker, job))


def stop(sagemaker: Any, job: str) -> None:
    """Whichever of the jobs of that name still runs; the other one is not there, or has ended."""
    with suppress(ClientError):
        sagemaker.stop_processing_job(ProcessingJobName=job)
    with suppress(ClientError):
        sagemaker.stop_training_job(TrainingJobName=job)


def done(status: str, reason: str | None, what: str) -> bool:
    """Whether it is completed; raises JobFailed where it ended otherwise."""
    if status not in {*MOVING, "Completed"}:
        raise JobFailed(f"the {what} job is {status}: {reason or 'no reason was given'}")
    return status == "Completed"


def _wait(ended: Callable[[], bool]) -> None:
    while not ended():
        time.sleep(PAUSE_SECONDS)


def _training(sagemaker: Any, job: str) -> bool:
    found = sagemaker.describe_training_job(TrainingJobName=job)
    return done(found["TrainingJobStatus"], found.get("FailureReason"), "training")


def _processing(sagemaker: Any, job: str) -> bool:
    found = sagemaker.describe_processing_job(ProcessingJobName=job)
    return done(found["ProcessingJobStatus"], found.get("ExitMessage") or found.get("FailureReason"), "evaluation")
