"""Give the checkout a place to push to: a repository in the local cloud, and the real pipeline behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from retide.cli import deploying
from retide.cli.delivery.checkout import SHOWN, Checkout
from retide.cli.delivery.warming import warm
from retide.cli.failures import CliError, UsageProblem
from retide.cli.output import Progress
from retide.cli.places import Places
from retide.cli.target import Target
from retide.local.cloud import Running

REMOTE: Final = "retide"
CONNECTION: Final = "retide-local"
STAGE: Final = "delivery"
SETTINGS: Final = ("level", "approval", "tests", "audit", "alarm_minutes")
"""What `--set` takes: what the stack's context overrides, but for what `remote` itself knows or decides."""

LOCAL: Final[Mapping[str, str]] = {"audit": "offline"}
"""What the local pipeline does otherwise unless told: its builds reach no service that knows vulnerabilities."""


@dataclass(frozen=True, slots=True)
class Hosting:
    """`repository` is owner/name; `overrides` are further settings of delivery."""

    checkout: Checkout
    running: Running
    repository: str
    branch: str
    overrides: Mapping[str, str]

    def begin(self, places: Places, progress: Progress) -> None:
        """Host, connect, push and deploy, each only where it is not done; raises CliError, and can be repeated."""
        self.checkout.refuse_uncommitted()
        folder = self.running.make_repository(self.repository)
        progress.line("done", "repository", str(folder))
        connection = self._connection()
        progress.line("done", "connection", f"{CONNECTION} is available")
        add_remote(self.checkout, self.repository, folder)
        self._push(progress)
        target = Target(STAGE, self.running)
        deploying.deploy(
            places,
            target,
            progress,
            context=self._context(connection),
            before=lambda assembly: self._warm(places, assembly, progress),
        )

    def _warm(self, places: Places, assembly: Path, progress: Progress) -> None:
        given = warm(self.checkout.root, assembly, places.home)
        if given:
            progress.line("done", "builds prepared", f"they begin with this checkout's {', '.join(given)}")

    def _connection(self) -> str:
        """Made as a script makes one, completed as a person does in the console; its ARN."""
        client: Any = boto3.client("codeconnections")
        known = {found["ConnectionName"]: found for found in client.list_connections()["Connections"]}
        found = known.get(CONNECTION)
        arn = str(
            found["ConnectionArn"]
            if found
            else client.create_connection(ProviderType="GitHub", ConnectionName=CONNECTION)["ConnectionArn"]
        )
        if not found or found["ConnectionStatus"] != "AVAILABLE":
            self.running.complete_connection(arn)
        return arn

    def _push(self, progress: Progress) -> None:
        """The first push comes before the pipeline, which looks for the branch when it is made."""
        self.checkout.say("push", "--quiet", REMOTE, f"HEAD:refs/heads/{self.branch}")
        self.checkout.say("fetch", "--quiet", REMOTE)
        progress.line("done", "pushed", f"{self.checkout.head()[:SHOWN]} to {REMOTE}/{self.branch}")

    def _context(self, connection: str) -> dict[str, str]:
        named = {"repository": self.repository, "branch": self.branch, "connection": connection}
        return {**LOCAL, **self.overrides, **named}


def add_remote(checkout: Checkout, repository: str, folder: Path) -> None:
    """A remote of an earlier local cloud is turned to this one; one of anybody else is left alone (CliError)."""
    url = dict(checkout.remotes()).get(REMOTE)
    if url is None:
        checkout.say("remote", "add", REMOTE, str(folder))
    elif url != str(folder):
        if "://" in url or not url.endswith(f"/git/{repository}.git"):
            raise CliError(
                f"this checkout has a remote {REMOTE!r} already, which is {url}: "
                f"rename it with `git remote rename {REMOTE} OTHER`, and try again"
            )
        checkout.say("remote", "set-url", REMOTE, str(folder))


def settings(words: list[str]) -> dict[str, str]:
    """`name=value` as `--set` takes it; raises UsageProblem."""
    for word in words:
        if "=" not in word or word.startswith("="):
            raise UsageProblem(f"{word!r} is no setting: write NAME=VALUE, for instance --set approval=no")
        if word.split("=", 1)[0] not in SETTINGS:
            raise UsageProblem(f"{word!r} sets nothing that `remote` knows: it takes {', '.join(SETTINGS)}")
    return dict(word.split("=", 1) for word in words)
