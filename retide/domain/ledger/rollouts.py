"""What an endpoint serves, and each attempt to change that."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.ledger.runs import Step


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """What an endpoint serves (`version` 0: nothing yet), who is changing it, and versions that never serve again.

    `endpoint` is the one that clients ask, empty before the first; `retired` the one before it,
    which serves on since `retired_at` for those who have not heard yet. `ab_test` names the A/B test that is to run
    beside the version, `ab_serving` the one whose challenger is part of the config; both empty for none.
    """

    version: int = 0
    config: str = ""
    token: int = 0
    owner: str | None = None
    withdrawn: tuple[int, ...] = ()
    endpoint: str = ""
    retired: str = ""
    retired_at: str = ""
    ab_test: str = ""
    ab_serving: str = ""
    stored: bool = False

    @property
    def as_asked(self) -> bool:
        """Whether the config has the challenger that was asked for, or none where none was."""
        return self.ab_test == self.ab_serving

    @property
    def standing(self) -> int:
        """The deployed version that only a newer one replaces; 0 where it was withdrawn: then an older one may."""
        return 0 if self.version in self.withdrawn else self.version


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why a version never serves again, and since when: a person went back, or its rollout showed it."""

    version: int
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Release:
    """One attempt to deploy a version; `verdict` is a rollout's outcome, `previous` the config that served before.

    `ab` names the A/B test whose challenger was to be part of the config, empty for none.
    """

    version: int
    attempt: int
    package: str
    verdict: str
    reason: str
    at: str
    config: str = ""
    previous: str = ""
    steps: tuple[Step, ...] = ()
    ab: str = ""
