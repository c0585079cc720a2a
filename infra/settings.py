"""What differs between the stages, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import RemovalPolicy


@dataclass(frozen=True, slots=True)
class Settings:
    """One stage. `keep_data`: deleting a stack leaves its bucket, table and logs; otherwise nothing is left."""

    stage: str
    keep_data: bool
    arrivals_window_seconds: int
    poll_seconds: int
    log_days: int
    noncurrent_days: int
    tracing: bool

    @property
    def removal(self) -> RemovalPolicy:
        """A first deployment that fails takes also back what is kept, so that the next one finds its names free."""
        return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if self.keep_data else RemovalPolicy.DESTROY


STAGES: Final[Mapping[str, Settings]] = {
    settings.stage: settings
    for settings in (
        Settings(
            stage="dev",
            keep_data=False,
            arrivals_window_seconds=0,
            poll_seconds=1,
            log_days=7,
            noncurrent_days=1,
            tracing=False,
        ),
        Settings(
            stage="staging",
            keep_data=True,
            arrivals_window_seconds=30,
            poll_seconds=15,
            log_days=30,
            noncurrent_days=30,
            tracing=True,
        ),
        Settings(
            stage="prod",
            keep_data=True,
            arrivals_window_seconds=30,
            poll_seconds=15,
            log_days=365,
            noncurrent_days=90,
            tracing=True,
        ),
    )
}


class UnknownStage(ValueError):
    """The message names the stages there are."""


def settings(stage: str) -> Settings:
    if stage not in STAGES:
        raise UnknownStage(f"stage {stage!r} is unknown; choose one of {', '.join(STAGES)} with `-c stage=…`")
    return STAGES[stage]
