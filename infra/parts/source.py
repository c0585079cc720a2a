"""Where a push comes from: a repository behind a connection with filters on paths, or one of CodeCommit."""

from __future__ import annotations

from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.names import arn
from infra.parts.project import allow
from infra.settings import Delivery, Provider

NAMESPACE = "Source"


class Source(Construct):
    """`action` brings a commit as `output`, as a whole clone; `triggers` say which pushes count."""

    def __init__(self, scope: Construct, id_: str, delivery: Delivery) -> None:
        super().__init__(scope, id_)
        self._delivery = delivery
        self.output = codepipeline.Artifact("Source")
        connected = delivery.provider is Provider.CONNECTIONS
        self.action = self._connected() if connected else self._code_commit()
        self.triggers = [self._trigger(self.action)] if connected else []

    @property
    def commit(self) -> str:
        return f"#{{{NAMESPACE}.CommitId}}"

    def allow_pipeline(self, role: iam.Role) -> None:
        """What the pipeline itself needs to fetch a commit."""
        if self._delivery.provider is Provider.CONNECTIONS:
            self._allow_connection(role)
        else:
            seen = (
                "GetBranch",
                "GetCommit",
                "GetRepository",
                "GetUploadArchiveStatus",
                "UploadArchive",
                "CancelUploadArchive",
            )
            allow(role, tuple(f"codecommit:{action}" for action in seen), self._repository_arn)

    def allow_clone(self, role: iam.Role) -> None:
        """What the first build needs, which clones instead of taking a zip: it wants the history."""
        if self._delivery.provider is Provider.CONNECTIONS:
            self._allow_connection(role)
        else:
            allow(role, ("codecommit:GitPull",), self._repository_arn)

    def _allow_connection(self, role: iam.Role) -> None:
        """Under both names: the service was renamed, and which of them is asked for depends on the connection's age."""
        allow(role, ("codeconnections:UseConnection", "codestar-connections:UseConnection"), self._delivery.connection)

    @property
    def _repository_arn(self) -> str:
        return arn("codecommit", self._delivery.repository)

    def _connected(self) -> actions.CodeStarConnectionsSourceAction:
        owner, _, name = self._delivery.repository.partition("/")
        return actions.CodeStarConnectionsSourceAction(
            action_name="Source",
            connection_arn=self._delivery.connection,
            owner=owner,
            repo=name,
            branch=self._delivery.branch,
            output=self.output,
            code_build_clone_output=True,
            trigger_on_push=False,  # the filters decide, see `_trigger`
            variables_namespace=NAMESPACE,
        )

    def _code_commit(self) -> actions.CodeCommitSourceAction:
        """Started by an event of the branch; CodeCommit knows no filter on paths, so documents deploy, too."""
        return actions.CodeCommitSourceAction(
            action_name="Source",
            repository=codecommit.Repository.from_repository_name(self, "Repository", self._delivery.repository),
            branch=self._delivery.branch,
            output=self.output,
            code_build_clone_output=True,
            trigger=actions.CodeCommitTrigger.EVENTS,
            variables_namespace=NAMESPACE,
        )

    def _trigger(self, action: codepipeline.IAction) -> codepipeline.TriggerProps:
        pushes = codepipeline.GitPushFilter(
            branches_includes=[self._delivery.branch], file_paths_excludes=list(self._delivery.ignored)
        )
        return codepipeline.TriggerProps(
            provider_type=codepipeline.ProviderType.CODE_STAR_SOURCE_CONNECTION,
            git_configuration=codepipeline.GitConfiguration(source_action=action, push_filter=[pushes]),
        )
