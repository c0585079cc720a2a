"""Read what is known of the pushes to the delivered branch: from git, CodePipeline, CodeBuild and the ledgers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

import boto3

from retide.aws.clients import SETTINGS
from retide.cli.delivery.builds import Builds
from retide.cli.delivery.checkout import Checkout, Commit
from retide.cli.delivery.effects import Effect, State, effects
from retide.cli.delivery.outcomes import Delivery
from retide.cli.delivery.pipeline import Action, Definition, Execution, Pipeline, Place
from retide.cli.delivery.pushes import Pushed, insert, match, unlisted
from retide.cli.failures import CliError
from retide.cli.stage import Stage
from retide.cli.target import Target

DEPLOYS: Final = {"Staging": "staging", "Production": "prod"}
"""The stages of the pipeline that deploy, and the stage of ours that each deploys."""
FOLLOWED: Final = 50  # commits among which those that move are looked for
LEAST: Final = 4  # characters that git takes for the beginning of a commit's name
LOOKED_BACK: Final = 1_000  # commits among which one that is asked for by its name is found


class History:
    """Lazy throughout: a command asks AWS only for what it needs."""

    def __init__(self, checkout: Checkout, target: Target, session: boto3.Session | None = None) -> None:
        self.checkout, self._target = checkout, target
        self._session = session or boto3.Session()
        self._stages: dict[str, Stage] = {}
        self.pipeline = Pipeline(self._session.client("codepipeline", config=SETTINGS), str(target))

    @cached_property
    def builds(self) -> Builds:
        clients = (self._session.client(name, config=SETTINGS) for name in ("codebuild", "logs"))
        return Builds(*clients)

    @cached_property
    def definition(self) -> Definition:
        return self.pipeline.definition()

    @cached_property
    def branch(self) -> str:
        """The ref in this checkout that is what was pushed last; raises CliError where it knows none."""
        return tracking(self.checkout, self.definition)

    def list(self, limit: int) -> tuple[Delivery, ...]:
        """Newest first, each as far as one line needs it."""
        return tuple(self._read(self._pushed(limit, self.pipeline.executions())[:limit], whole=False))

    def show(self, name: str) -> Delivery:
        """One push with its whole road; raises CliError for a commit that is not on the branch."""
        executions = self.pipeline.executions()
        whole = self._whole(name, executions)
        for pushed in self._pushed(LOOKED_BACK, executions):
            if pushed.commit.name == whole:
                return next(self._read([pushed], whole=True))
        raise CliError(
            f"commit {whole[:10]} was not delivered: it is not on {self.branch}, or older than the pipeline; "
            "see `retide delivery list`"
        )

    def _whole(self, name: str, executions: Sequence[Execution]) -> str:
        """A commit that was replaced on the branch may be in the pipeline only, and not in this checkout."""
        begun = {one.commit for one in executions if one.commit.startswith(name)}
        return begun.pop() if len(begun) == 1 and len(name) >= LEAST else self.checkout.commit(name)

    def moving(self, since: datetime, followed: Collection[str]) -> tuple[Delivery, ...]:
        """Oldest first: those under way or begun after `since`, and those of the commits in `followed`."""
        found = [
            pushed
            for pushed in self._pushed(FOLLOWED, self.pipeline.executions())
            if (execution := pushed.execution)
            and (execution.running or execution.started >= since or pushed.commit.name in followed)
        ]
        return tuple(self._read(found[::-1], whole=True))

    def last_lines(self, delivery: Delivery, count: int) -> tuple[str, ...]:
        """The end of what the build wrote that ended the road; empty where no build did."""
        build = (delivery.builds or {}).get(delivery.failed.build) if delivery.failed else None
        return self.builds.last_lines(build, count) if build else ()

    def _pushed(self, limit: int, executions: Sequence[Execution]) -> tuple[Pushed, ...]:
        commits = self.checkout.commits(self.branch, limit)
        found = match(commits, executions, self.definition)
        begun = unlisted(commits, executions, whole=len(commits) < limit)
        if not begun:
            return found
        return insert(found, known(self.checkout, begun), executions, self.checkout.ancestors(self.branch))

    def _read(self, pushes: Sequence[Pushed], *, whole: bool) -> Iterator[Delivery]:
        moving = any(pushed.execution and pushed.execution.running for pushed in pushes)
        places = self.pipeline.places(self.definition.watches) if moving else {}
        return (self._delivery(pushed, places, whole=whole) for pushed in pushes)

    def _delivery(self, pushed: Pushed, places: Mapping[str, Place], *, whole: bool) -> Delivery:
        execution = pushed.execution
        if execution is None:
            return Delivery(pushed)
        succeeded = execution.status == "Succeeded"
        actions = () if succeeded and not whole else self.pipeline.actions(execution.id)
        builds = self.builds.find(tuple(action.build for action in actions if _of_interest(action, whole=whole)))
        stages = _deployed(actions, succeeded=succeeded, whole=whole)
        told = tuple(self._effects(pushed.commit.name, stages))
        return Delivery(pushed, actions, builds, told, places.get(execution.id))

    def _effects(self, commit: str, stages: Sequence[str]) -> Iterator[Effect]:
        for name in stages:
            try:
                stage = self._stage(name)
                yield from effects(name, stage.models, commit, stage.ledger)
            except CliError as error:  # deployed to another account, or destroyed since
                yield Effect(name, "models", State.OPEN, f"cannot be looked up from here: {error}")

    def _stage(self, name: str) -> Stage:
        if name not in self._stages:
            self._stages[name] = Stage(Target(name, self._target.running), self._session)
        return self._stages[name]


def _of_interest(action: Action, *, whole: bool) -> bool:
    return bool(action.build) and (whole or action.status == "Failed")


def _deployed(actions: Sequence[Action], *, succeeded: bool, whole: bool) -> tuple[str, ...]:
    """The stages whose ledgers know of the commit: the last one is what counts, unless everything is asked for."""
    if succeeded and not whole:
        return ("prod",)
    done = {action.stage for action in actions if action.status == "Succeeded"}
    return tuple(stage for name, stage in DEPLOYS.items() if name in done)


def known(checkout: Checkout, begun: Mapping[str, datetime]) -> tuple[Commit, ...]:
    """What the checkout knows of these commits; of one that it has not, the name and when its execution began."""
    here = {one.name: one for one in checkout.named(tuple(begun))}
    return tuple(
        here.get(name) or Commit(name, "not in this checkout", "somebody", started.isoformat(), ())
        for name, started in begun.items()
    )


def tracking(checkout: Checkout, definition: Definition) -> str:
    """The remote-tracking branch of the pipeline's repository; the local cloud's remote is a folder of that name."""
    for name, url in checkout.remotes():
        ref = f"refs/remotes/{name}/{definition.branch}"
        if _is_of(url, definition.repository) and checkout.has(ref):
            return ref
    raise CliError(
        f"this checkout knows no branch {definition.branch} of {definition.repository}, which the pipeline delivers: "
        "`git fetch` it, or add its remote (`retide remote` for a local cloud)"
    )


def _is_of(url: str, repository: str) -> bool:
    """Whether a remote's URL, of whatever kind, ends with this repository's name."""
    bare = url.removesuffix("/").removesuffix(".git")
    return bare.endswith((f"/{repository}", f":{repository}"))
