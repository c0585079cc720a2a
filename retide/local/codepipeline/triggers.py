"""Starts the pipelines that a push is to start, and says in one line what it did or why it did nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from retide.local.codeconnections.connections import AVAILABLE, Connections
from retide.local.codepipeline.definition import Action, Definition
from retide.local.codepipeline.executions import Override, Revision, Trigger
from retide.local.codepipeline.pipelines import Pipeline, Pipelines, defaults
from retide.local.codepipeline.sources import revised
from retide.local.errors import ApiError
from retide.local.git.pushes import Push
from retide.local.git.repositories import Repositories

NAMED = 3


@dataclass(frozen=True, slots=True)
class Pushes:
    """Hears of every push to the git host."""

    pipelines: Pipelines
    connections: Connections
    repositories: Repositories

    def received(self, push: Push) -> str:
        """What became of it, for the person who pushed."""
        said = [self._offer(one, sources, push) for one, sources in self._listeners(push)]
        return "; ".join(said) or f"nothing starts: no pipeline has a source in {push.repository}"

    def _listeners(self, push: Push) -> Iterator[tuple[Pipeline, list[Action]]]:
        for one in self.pipelines.all():
            sources = [
                action
                for action in one.definition.sources
                if action.configuration["FullRepositoryId"] == push.repository
            ]
            if sources:
                yield one, sources

    def _offer(self, one: Pipeline, sources: list[Action], push: Push) -> str:
        name = one.definition.name
        wanted = [action for action in sources if wants(one.definition, action, push)]
        if not wanted:
            return f"{name} does not start: {_reason(push)}"
        arn = wanted[0].configuration["ConnectionArn"]
        problem = self._problem(arn)
        if problem:
            return f"{name} does not start: {problem}"
        try:
            execution = one.engine.start(
                Trigger("WebhookV2", arn),
                overrides={action.name: Override(push.commit, push.name) for action in wanted},
                parameters=defaults(one.definition),
                revisions=self._revisions(push, wanted),
            )
        except ApiError as error:
            return f"{name} does not start: {error.message}. Push again later, or start it by hand"
        return f"{name} starts for {push.commit[:12]}: execution {execution.id}"

    def _problem(self, arn: str) -> str:
        """Why the connection hears nothing."""
        try:
            status = self.connections.find(arn).status
        except ApiError as error:
            return error.message
        return "" if status == AVAILABLE else f"its connection is {status}, complete the handshake of {arn}"

    def _revisions(self, push: Push, actions: list[Action]) -> tuple[Revision, ...]:
        repository = self.repositories.find(push.repository)
        commit = repository.commit(push.commit) if repository else None
        if commit is None:
            return ()
        provider = self.connections.find(actions[0].configuration["ConnectionArn"]).provider
        return tuple(revised(action, provider, commit, push.name) for action in actions)


def wants(definition: Definition, action: Action, push: Push) -> bool:
    """Whether the source action is to start the pipeline: by its trigger, or on its branch when there is none."""
    configuration: Mapping[str, str] = action.configuration
    for trigger in definition.triggers:
        if trigger.source_action == action.name:
            return trigger.admits(push, configuration["BranchName"])
    detects = configuration.get("DetectChanges", "true").lower() == "true"
    return detects and push.kind.value == "branch" and push.name == configuration["BranchName"]


def _reason(push: Push) -> str:
    named = ", ".join(push.files[:NAMED])
    more = f" and {len(push.files) - NAMED} more" if len(push.files) > NAMED else ""
    return f"its triggers do not ask for {push.kind.value} {push.name} with changes in {named or 'no file'}{more}"
