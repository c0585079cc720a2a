"""Choose the cloud that a command talks to: the local one while it runs, else AWS as boto3 resolves it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from retide.cli.failures import CliError, UsageProblem
from retide.cli.places import Places
from retide.local.cloud import LocalCloud, Running

STAGES: Final = ("dev", "staging", "prod")
PERSONAL: Final = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
"""Settings of a person's real account that must not reach a local cloud."""


class Kind(StrEnum):
    LOCAL = "local"
    AWS = "aws"


@dataclass(frozen=True, slots=True)
class Target:
    """One stage in one cloud; `running` is the local cloud, None for AWS. `implied`: nobody asked for AWS by name."""

    stage: str
    running: Running | None
    implied: bool = False

    @property
    def kind(self) -> Kind:
        return Kind.LOCAL if self.running else Kind.AWS

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The environment for a program that is to reach this cloud and no other."""
        if not self.running:
            return dict(base)
        kept = {name: value for name, value in base.items() if name not in PERSONAL and not _is_endpoint(name)}
        return {**kept, **self.running.environment()}

    def enter(self, environ: MutableMapping[str, str]) -> None:
        """Make this process itself talk to this cloud."""
        wanted = self.environment(environ)
        for name in set(environ) - set(wanted):
            del environ[name]
        environ.update(wanted)

    def enter_here(self) -> None:
        self.enter(os.environ)

    @property
    def nearby(self) -> bool:
        """Whether it answers from this machine: a local cloud, also where the environment alone names it."""
        named = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname
        return self.kind is Kind.LOCAL or named in ("127.0.0.1", "localhost")

    def __str__(self) -> str:
        named = os.environ.get("AWS_ENDPOINT_URL")
        elsewhere = f"the cloud at {named}" if named else "AWS"
        where = f"the local cloud at {self.running.endpoint_url}" if self.running else elsewhere
        return f"{where}, stage {self.stage}"


def _is_endpoint(name: str) -> bool:
    return name.startswith("AWS_ENDPOINT_URL_") or name in ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_REGION")


def local_cloud(places: Places, *, port: int | None = None, bound: bool = False) -> LocalCloud:
    return LocalCloud(places.home, places.images(), port=port, bound=bound)


def running_cloud(places: Places) -> Running | None:
    """The local cloud of this checkout, if it runs; needs no set-up."""
    return LocalCloud(places.home, {}).running()


def chosen_cloud(places: Places) -> Running | None:
    """The same for a command that goes to AWS where none runs; raises CliError when it was not stopped, but died."""
    cloud = LocalCloud(places.home, {})
    running = cloud.running()
    if running is None and cloud.crashed():
        raise CliError(
            "the local cloud is not running any more, though nobody stopped it, and what it held is gone: "
            "`retide up` starts a new one, `retide down` forgets it, `--target aws` means AWS"
        )
    return running


def known(stage: str) -> str:
    """The stage itself; raises UsageProblem for one that there is not."""
    if stage not in STAGES:
        raise UsageProblem(f"there is no stage {stage!r}; the stages are {', '.join(STAGES)}")
    return stage


def select(wanted: str | None, stage: str, running: Callable[[], Running | None]) -> Target:
    """`wanted` is local, aws or None (whichever is there). Raises CliError when the wanted one is not there."""
    known(stage)
    if wanted not in (None, *Kind):
        raise UsageProblem(f"there is no target {wanted!r}; choose local or aws (--target, RETIDE_TARGET)")
    cloud = running() if wanted != Kind.AWS else None
    if wanted == Kind.LOCAL and not cloud:
        raise CliError("no local cloud is running: start one with `retide up`")
    return Target(stage, cloud, implied=wanted is None)
