"""A CodeBuild project made from its row: a buildspec of the repository, a role of its own, a log that ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.parts.function import retention
from infra.projects import Row

IMAGE: Final = codebuild.LinuxBuildImage.STANDARD_7_0  # Ubuntu 22.04; has Python 3.12 and Node 22
QUEUED: Final = Duration.hours(1)
TAKEN: Final = ("s3:GetObject", "s3:GetObjectVersion")
LEFT: Final = ("s3:PutObject", "s3:AbortMultipartUpload")
KNOWN: Final = ("s3:GetBucketAcl", "s3:GetBucketLocation")
"""By these CodeBuild and CodePipeline see whose a bucket is: AWS has them among the least that both need."""


class Project(Construct):
    """`project`, and `role` for what it may do beside reading and writing artefacts and its own log."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        row: Row,
        *,
        artefacts: s3.IBucket,
        log_days: int,
        variables: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/codebuild/{row.project}",
            retention=retention(log_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = self._role(artefacts, log, leaves=row.leaves)
        self.project = codebuild.PipelineProject(
            self,
            "Project",
            project_name=row.project,
            build_spec=codebuild.BuildSpec.from_source_filename(row.buildspec),
            environment=codebuild.BuildEnvironment(build_image=IMAGE, compute_type=row.compute),
            environment_variables={
                name: codebuild.BuildEnvironmentVariable(value=value) for name, value in variables.items() if value
            },
            cache=codebuild.Cache.local(codebuild.LocalCacheMode.CUSTOM),
            timeout=Duration.minutes(row.minutes),
            queued_timeout=QUEUED,
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log)),
            role=self.role.without_policy_updates(),  # the library would add wildcards and rights for reports
        )

    def _role(self, artefacts: s3.IBucket, log: logs.ILogGroup, *, leaves: bool) -> iam.Role:
        here = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        builds = iam.ServicePrincipal("codebuild.amazonaws.com", conditions=here)
        role = iam.Role(self, "Role", assumed_by=builds)
        allow(role, ("logs:CreateLogStream", "logs:PutLogEvents"), log.log_group_arn)
        allow(role, (*TAKEN, *(LEFT if leaves else ())), artefacts.arn_for_objects("*"))
        allow(role, KNOWN, artefacts.bucket_arn)
        return role


def allow(role: iam.Role, actions: tuple[str, ...], *resources: str) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))
