"""The source action: takes the commit from the local git host and makes the source artefact of it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

from retide.local.codebuild.seam import Clone
from retide.local.codeconnections.connections import AVAILABLE, Connections
from retide.local.codepipeline.definition import CLONE, Action
from retide.local.codepipeline.executions import Artifact, Outcome, Revision, failure
from retide.local.codepipeline.orders import Order, Report, Started
from retide.local.errors import ApiError
from retide.local.git.repositories import Commit, Repositories, Repository

MESSAGE_CHARACTERS = 1000  # of 2,048 for the whole summary, in which quotes and line ends take two


class Unavailable(Exception):
    """The source cannot be had; the message says why."""


class SourceWorker:
    """CodeStarSourceConnection: as a ZIP of the files, or as a reference that a build clones."""

    def __init__(self, repositories: Repositories, connections: Connections, s3: Any) -> None:
        self._repositories = repositories
        self._connections = connections
        self._s3 = s3

    def begin(self, order: Order, started: Started, report: Report) -> None:
        try:
            repository = self._reach(order)
            commit, branch = self._commit(order, repository)
        except Unavailable as problem:
            report(failure("RevisionUnavailable", str(problem)))
            return
        provider = self._connections.find(order.configuration["ConnectionArn"]).provider
        revision = revised(order.action, provider, commit, branch)
        started(commit.id, revision.url)
        report(
            Outcome(
                True,
                summary=revision.summary,
                variables=_variables(order, commit, branch),
                artifacts=(self._artifact(order, repository, commit, branch),),
                revision=revision,
            )
        )

    def _reach(self, order: Order) -> Repository:
        arn, name = order.configuration["ConnectionArn"], order.configuration["FullRepositoryId"]
        try:
            status = self._connections.find(arn).status
        except ApiError as error:
            raise Unavailable(f"Unable to use Connection: {arn}. {error.message}") from None
        if status != AVAILABLE:
            raise Unavailable(
                f"Unable to use Connection: {arn}. It is {status}: a person has to complete the handshake first"
            )
        repository = self._repositories.find(name)
        if repository is None:
            raise Unavailable(f"The connection reaches no repository {name}")
        return repository

    def _commit(self, order: Order, repository: Repository) -> tuple[Commit, str]:
        """What a push or a person named, or else the head of the action's branch."""
        override, branch = order.override, order.configuration["BranchName"]
        if override is not None and override.branch is not None:
            branch = override.branch
        wanted = override.commit if override is not None else repository.head(branch)
        if wanted is None:
            raise Unavailable(f"No branch [{branch}] found for {repository.name}: push something to it")
        commit = repository.commit(wanted)
        if commit is None:
            raise Unavailable(f"No commit [{wanted}] found in {repository.name}")
        return commit, branch

    def _artifact(self, order: Order, repository: Repository, commit: Commit, branch: str) -> Artifact:
        artifact = order.output(order.action.outputs[0])
        if order.configuration.get("OutputArtifactFormat") == CLONE:
            body = _reference(order, commit, branch)
            artifact = replace(artifact, clone=Clone(artifact.name, repository.path, commit.id))
        else:
            body = repository.archive(commit.id)
        self._s3.put_object(Bucket=artifact.bucket, Key=artifact.key, Body=body, ContentType="application/zip")
        return artifact


def revised(action: Action, provider: str, commit: Commit, branch: str) -> Revision:
    """What the history of a pipeline says of a commit."""
    arn, name = action.configuration["ConnectionArn"], action.configuration["FullRepositoryId"]
    region = arn.split(":")[3]
    address = (
        f"https://{region}.console.aws.amazon.com/codesuite/settings/connections/redirect"
        f"?connectionArn={arn}&referenceType=COMMIT&FullRepositoryId={name}&Commit={commit.id}"
    )
    told = {"ProviderType": provider, "CommitMessage": commit.message[:MESSAGE_CHARACTERS]}
    summary = json.dumps(told, ensure_ascii=False)
    return Revision(action.name, commit.id, summary, address, branch)


def _variables(order: Order, commit: Commit, branch: str) -> dict[str, str]:
    return {
        "AuthorDate": commit.author_date,
        "BranchName": branch,
        "CommitId": commit.id,
        "CommitMessage": commit.message,
        "ConnectionArn": order.configuration["ConnectionArn"],
        "FullRepositoryName": order.configuration["FullRepositoryId"],
    }


def _reference(order: Order, commit: Commit, branch: str) -> bytes:
    """A ZIP that holds no code, but says what is to be cloned."""
    said = {name: order.configuration[name] for name in ("ConnectionArn", "FullRepositoryId")}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("codebuild_clone_ref.json", json.dumps(said | {"BranchName": branch, "CommitId": commit.id}))
    return buffer.getvalue()
