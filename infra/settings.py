"""What differs between the stages, how far the template is adopted, and how code reaches the stages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import IntEnum, StrEnum
from typing import Any, Final

from aws_cdk import RemovalPolicy


class SettingsError(ValueError):
    """A setting that cannot be; the message is one line: which, its value, and what to do."""


class Level(IntEnum):
    """How much happens by itself: the maturity levels of Google's paper on continuous delivery for machine learning.

    0: nothing, people start and approve everything. 1: data and deployed code retrain. 2: a push deploys, too.
    """

    MANUAL = 0
    CONTINUOUS_TRAINING = 1
    CI_CD = 2

    @classmethod
    def parse(cls, text: str) -> Level:
        levels = {str(level.value): level for level in cls}
        if text not in levels:
            raise SettingsError(f"level {text!r} is none of {', '.join(levels)}: choose one with `-c level=…`")
        return levels[text]


class Provider(StrEnum):
    """Where the code lies: a host behind a connection (GitHub, GitLab, Bitbucket), or CodeCommit."""

    CONNECTIONS = "connections"
    CODECOMMIT = "codecommit"


class Road(StrEnum):
    """What builds and deploys: CodePipeline in the account, or GitHub Actions from outside."""

    CODEPIPELINE = "codepipeline"
    GITHUB_ACTIONS = "github-actions"


@dataclass(frozen=True, slots=True)
class Settings:
    """One stage. `keep_data`: deleting a stack leaves its bucket, table and logs; otherwise nothing is left.

    `batch_days`: how long the files of a batch, and what was predicted of them, lie in the data bucket, and how long
    what was laid out for instances that learn together.
    `inline_objects`: a run of more than so many objects gives each an execution of its own (at 7 events an object, and
    64 where everything is tried again, 100 of them leave room in a history of 25,000 events). `validations_at_once`:
    how many objects of one run are validated at the same time. `arrivals_at_once`: how many batches of messages are
    taken at the same time; each is a process on the local cloud, which does the work of them all anyway.
    `signing`: artefacts are signed with a key of KMS when they are registered, and only what is signed is served.
    """

    stage: str
    keep_data: bool
    arrivals_window_seconds: int
    poll_seconds: int
    log_days: int
    noncurrent_days: int
    batch_days: int
    tracing: bool
    alarms: bool
    inline_objects: int = 100
    validations_at_once: int = 10
    arrivals_at_once: int = 10
    signing: bool = False

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
            batch_days=7,
            tracing=False,
            alarms=False,
            arrivals_at_once=2,
        ),
        Settings(
            stage="staging",
            keep_data=True,
            arrivals_window_seconds=30,
            poll_seconds=15,
            log_days=30,
            noncurrent_days=30,
            batch_days=30,
            tracing=True,
            alarms=True,
        ),
        Settings(
            stage="prod",
            keep_data=True,
            arrivals_window_seconds=30,
            poll_seconds=15,
            log_days=365,
            noncurrent_days=90,
            batch_days=30,
            tracing=True,
            alarms=True,
        ),
    )
}


LEVEL: Final = Level.CI_CD


@dataclass(frozen=True, slots=True)
class Delivery:
    """What becomes of a push. `repository` is "owner/name" (CodeCommit: "name"), `connection` the connection's ARN.

    `ignored` are the paths that deploy nothing; `tests` narrows `make test` in Build (empty: every test);
    `alarm_minutes` is how long Production is watched after a deployment; `github_provider_arn` names an OIDC
    provider that the account has already.
    """

    provider: Provider = Provider.CONNECTIONS
    repository: str = ""
    branch: str = "main"
    connection: str = ""
    road: Road = Road.CODEPIPELINE
    approval: bool = True
    tests: str = ""
    audit: str = "strict"
    alarm_minutes: int = 10
    log_days: int = 30
    artefact_days: int = 180
    github_provider_arn: str | None = None
    ignored: tuple[str, ...] = ("docs/**", "**/*.md", "*.md", "LICENSE", ".github/**", ".editorconfig", ".gitignore")


DELIVERY: Final = Delivery()
CONNECTION: Final = r"arn:aws:code(star-)?connections:[a-z0-9-]+:\d{12}:connection/[A-Za-z0-9-]+"
PATTERNS: Final[Mapping[str, str]] = {
    "provider": "|".join(Provider),
    "repository": r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*",
    "branch": r"[A-Za-z0-9._/-]+",
    "connection": CONNECTION,
    "road": "|".join(Road),
    "approval": "yes|no",
    "tests": r"[A-Za-z0-9._/ *-]*",
    "audit": "strict|offline",
    "alarm_minutes": r"[1-9]|[1-5]\d|60",
}
"""The settings of delivery that `-c name=value` overrides, and what each may be."""

READERS: Final[Mapping[str, Any]] = {
    "provider": Provider,
    "road": Road,
    "approval": lambda text: text == "yes",
    "alarm_minutes": int,
}


@dataclass(frozen=True, slots=True)
class Choices:
    """The settings of one synthesis; `overrides` are those that came as context, and are handed on to what deploys.

    `signing` says it for every stage, where it is said.
    """

    level: Level
    delivery: Delivery
    overrides: Mapping[str, str]
    signing: bool | None = None

    def of(self, stage: Settings) -> Settings:
        """The stage's settings with what is overridden."""
        return stage if self.signing is None else replace(stage, signing=self.signing)

    @property
    def context(self) -> str:
        """The overrides as words of a shell's command line."""
        words = (f"--context {shlex.quote(f'{name}={value}')}" for name, value in sorted(self.overrides.items()))
        return " ".join(words)


def choices(context: Mapping[str, object]) -> Choices:
    """LEVEL and DELIVERY with what the context overrides; raises SettingsError."""
    names = ("level", "signing", *PATTERNS)
    _refuse_misspelt(context, names)
    overrides = {name: str(context[name]) for name in names if context.get(name) is not None}
    given = {name: _checked(name, value) for name, value in overrides.items() if name in PATTERNS}
    level = Level.parse(overrides["level"]) if "level" in overrides else LEVEL
    signing = _switch("signing", overrides["signing"]) if "signing" in overrides else None
    return Choices(level, replace(DELIVERY, **given), overrides, signing)


def _switch(name: str, value: str) -> bool:
    if value not in {"yes", "no"}:
        raise SettingsError(f"{name} cannot be {value!r}: it is yes or no (`-c {name}=yes`)")
    return value == "yes"


def _refuse_misspelt(context: Mapping[str, object], names: tuple[str, ...]) -> None:
    """A context may hold what is none of ours, but nothing that was surely meant to be."""
    for name in context.keys() - {*names, "stage", "commit"}:
        meant = get_close_matches(name, names, n=1, cutoff=0.75)
        if meant:
            raise SettingsError(f"{name!r} is no setting: {meant[0]!r} is (`-c {meant[0]}=…`)")


def _checked(name: str, value: str) -> Any:
    if not re.fullmatch(PATTERNS[name], value):
        raise SettingsError(f"{name} cannot be {value!r}: it must match {PATTERNS[name]} (`-c {name}=…`)")
    return READERS.get(name, str)(value)


def deliverable(chosen: Choices) -> Delivery:
    """The delivery itself, if it can be deployed; raises SettingsError naming what is missing."""
    delivery = chosen.delivery
    if chosen.level < Level.CI_CD:
        raise SettingsError(
            f"delivery belongs to level {Level.CI_CD}, and the level is {chosen.level}: "
            "raise LEVEL in infra/settings.py, or deploy the stages alone with `make deploy`"
        )
    if not delivery.repository:
        raise SettingsError("no repository is named: set DELIVERY in infra/settings.py, or give `-c repository=…`")
    if delivery.road is Road.CODEPIPELINE and delivery.provider is Provider.CONNECTIONS:
        _check_connection(delivery)
    return delivery


def _check_connection(delivery: Delivery) -> None:
    if "/" not in delivery.repository:
        raise SettingsError(f"repository {delivery.repository!r} lacks its owner: write it as owner/name")
    if not delivery.connection:
        raise SettingsError(
            "no connection is named: make one in the console (Developer Tools, Connections), "
            "then give its ARN as `-c connection=…` or in infra/settings.py"
        )


class UnknownStage(SettingsError):
    """The message names the stages there are."""


def settings(stage: str) -> Settings:
    if stage not in STAGES:
        raise UnknownStage(f"stage {stage!r} is unknown; choose one of {', '.join(STAGES)} with `-c stage=…`")
    return STAGES[stage]
