"""From a push to production: one pipeline that builds, updates itself, deploys, asks a person and watches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.names import Names, arn
from infra.parts.delivery_notices import DeliveryNotices
from infra.parts.deployer import may_deploy, may_observe, may_operate
from infra.parts.health import alarm_names
from infra.parts.project import KNOWN, Project, allow
from infra.parts.source import Source
from infra.projects import BUILD, PRODUCTION, ROWS, SELF_UPDATE, STAGING, Row
from infra.settings import Delivery, SettingsError

PIPELINE: Final = "retide-delivery"
RULES: Final = 5  # CodePipeline takes no more in one condition
PATIENCE: Final = Duration.days(7)  # an approval that nobody gives fails then, as AWS has it


class DeliveryStack(Stack):
    """`pipeline` takes one push after the other, in their order, and drops none."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        delivery: Delivery,
        handed_on: str,
        models: Iterable[str],
        **options: Any,
    ) -> None:
        super().__init__(scope, id_, **options)
        self._delivery = delivery
        self._source = Source(self, "Source", delivery)
        self._built = codepipeline.Artifact("Built")
        bucket = _artefact_bucket(self, "Artefacts", delivery)
        variables = {"RETIDE_CONTEXT": handed_on, "TESTS": delivery.tests, "AUDIT": delivery.audit}
        self._projects = {
            row.name: Project(self, row.name, row, artefacts=bucket, log_days=delivery.log_days, variables=variables)
            for row in ROWS
        }
        alarms = alarm_names(Names("prod"), models)
        self._notices = DeliveryNotices(self, "Notices", pipeline=PIPELINE)
        self.pipeline = codepipeline.Pipeline(
            self,
            "Pipeline",
            pipeline_name=PIPELINE,
            pipeline_type=codepipeline.PipelineType.V2,
            execution_mode=codepipeline.ExecutionMode.QUEUED,
            restart_execution_on_update=True,
            artifact_bucket=bucket,
            role=self._pipeline_role(bucket, alarms).without_policy_updates(),  # the library would add wildcards
            use_pipeline_role_for_actions=True,
            stages=self._stages(alarms),
            triggers=self._source.triggers,
        )
        self.pipeline.node.add_dependency(self._notices)  # its first execution starts with it, and may fail
        self._allow_projects()
        CfnOutput(self, "NoticesTopicArn", value=self._notices.topic.topic_arn)
        CfnOutput(self, "PipelineName", value=self.pipeline.pipeline_name)
        CfnOutput(self, "Repository", value=delivery.repository)
        CfnOutput(self, "Branch", value=delivery.branch)

    def _stages(self, alarms: Sequence[str]) -> list[codepipeline.StageProps]:
        back = codepipeline.Result.ROLLBACK
        approval = [self._approval()] if self._delivery.approval else []
        return [
            codepipeline.StageProps(stage_name="Source", actions=[self._source.action]),
            codepipeline.StageProps(stage_name="Build", actions=[self._build()]),
            codepipeline.StageProps(stage_name="SelfUpdate", actions=[self._run("SelfUpdate", SELF_UPDATE)]),
            codepipeline.StageProps(stage_name="Staging", actions=[self._run("Staging", STAGING)]),
            *approval,
            codepipeline.StageProps(
                stage_name="Production",
                actions=[self._run("Production", PRODUCTION)],
                on_failure=codepipeline.FailureConditions(result=back),
                on_success=codepipeline.Conditions(
                    conditions=[codepipeline.Condition(result=back, rules=[self._watch(alarm) for alarm in alarms])]
                ),
            ),
        ]

    def _build(self) -> actions.CodeBuildAction:
        return self._run("Build", BUILD, self._source.output, [self._built])

    def _run(
        self,
        name: str,
        row: Row,
        taken: codepipeline.Artifact | None = None,
        left: Sequence[codepipeline.Artifact] = (),
    ) -> actions.CodeBuildAction:
        return actions.CodeBuildAction(
            action_name=name,
            project=self._projects[row.name].project,
            input=taken or self._built,
            outputs=list(left),
            environment_variables={"COMMIT": {"value": self._source.commit}},
        )

    def _approval(self) -> codepipeline.StageProps:
        """Asked for at the topic: subscribe whoever decides."""
        allow(self._role, ("sns:Publish",), self._notices.topic.topic_arn)
        action = actions.ManualApprovalAction(
            action_name="Approval",
            notification_topic=self._notices.topic,
            additional_information=f"commit {self._source.commit} passed staging; retide delivery approve or reject",
            timeout=PATIENCE,
        )
        return codepipeline.StageProps(stage_name="Approval", actions=[action])

    def _watch(self, alarm: str) -> codepipeline.Rule:
        return codepipeline.Rule(
            name=alarm,
            provider="CloudWatchAlarm",
            version="1",
            configuration={"AlarmName": alarm, "WaitTime": str(self._delivery.alarm_minutes)},
        )

    def _pipeline_role(self, bucket: s3.IBucket, alarms: Sequence[str]) -> iam.Role:
        if len(alarms) > RULES:
            raise SettingsError(
                f"Production is watched by {len(alarms)} alarms, and a pipeline takes {RULES}: fewer models"
            )
        here = {"StringEquals": {"aws:SourceAccount": self.account}}
        self._role = iam.Role(
            self, "PipelineRole", assumed_by=iam.ServicePrincipal("codepipeline.amazonaws.com", conditions=here)
        )
        projects = [arn("codebuild", f"project/{row.project}") for row in ROWS]
        allow(self._role, ("codebuild:StartBuild", "codebuild:BatchGetBuilds", "codebuild:StopBuild"), *projects)
        allow(self._role, ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"), bucket.arn_for_objects("*"))
        allow(self._role, ("s3:GetBucketVersioning", *KNOWN), bucket.bucket_arn)
        allow(self._role, ("cloudwatch:DescribeAlarms",), *(arn("cloudwatch", f"alarm:{alarm}") for alarm in alarms))
        self._source.allow_pipeline(self._role)
        return self._role

    def _allow_projects(self) -> None:
        roles = {row: self._projects[row.name].role for row in ROWS}
        self._source.allow_clone(roles[BUILD])
        for row in (SELF_UPDATE, STAGING, PRODUCTION):
            may_deploy(roles[row])
        may_operate(roles[STAGING], Names("staging"))
        may_observe(roles[PRODUCTION], Names("prod"))


def _artefact_bucket(scope: Construct, id_: str, delivery: Delivery) -> s3.Bucket:
    """Kept for as long as a rollback may want them: it deploys the artefacts of an earlier push again."""
    return s3.Bucket(
        scope,
        id_,
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        lifecycle_rules=[
            s3.LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(7),
                expiration=Duration.days(delivery.artefact_days),
            )
        ],
    )
