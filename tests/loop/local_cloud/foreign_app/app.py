"""A small app that has nothing to do with Retide: the local cloud serves any stack, not only our own."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

HERE = Path(__file__).parent


class Parcels(cdk.Stack):
    """Parcel notes land in a bucket and come out as rows of a table."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name, synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
        self.layer = lambda_.LayerVersion(self, "Words", code=lambda_.Code.from_asset(str(HERE / "layer")))
        self.key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=cdk.RemovalPolicy.DESTROY)
        self.bucket = self._bucket()
        self.table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="key", type=dynamodb.AttributeType.STRING),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.machine = self._machine()
        self.queue = self._queue()
        self._starter()
        self._custom_resource()
        ssm.StringParameter(self, "Parameter", parameter_name="/parcels/bucket", string_value=self.bucket.bucket_name)
        for output, value in (
            ("BucketName", self.bucket.bucket_name),
            ("TableName", self.table.table_name),
            ("MachineArn", self.machine.state_machine_arn),
        ):
            cdk.CfnOutput(self, output, value=value)

    def _bucket(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Notes",
            versioned=True,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        plain = bucket.node.default_child
        assert isinstance(plain, s3.CfnBucket)
        plain.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        return bucket

    def _function(self, folder: str, **settings: object) -> lambda_.Function:
        return lambda_.Function(
            self,
            folder.capitalize(),
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(HERE / folder)),
            log_group=logs.LogGroup(
                self,
                f"{folder.capitalize()}Log",
                retention=logs.RetentionDays.ONE_WEEK,
                removal_policy=cdk.RemovalPolicy.DESTROY,
            ),
            **settings,  # type: ignore[arg-type]
        )

    def _machine(self) -> sfn.StateMachine:
        greet = self._function("greet", layers=[self.layer], retry_attempts=0, dead_letter_queue_enabled=True)
        machine = sfn.StateMachine(
            self,
            "Machine",
            definition_body=sfn.DefinitionBody.from_file(str(HERE / "workflow.asl.json")),
            definition_substitutions={"Greet": greet.function_arn, "Table": self.table.table_name},
            tracing_enabled=True,
        )
        greet.grant_invoke(machine)
        self.table.grant_write_data(machine)
        return machine

    def _queue(self) -> sqs.Queue:
        dead = sqs.Queue(self, "Dead", enforce_ssl=True)
        queue = sqs.Queue(
            self,
            "Arrivals",
            enforce_ssl=True,
            visibility_timeout=cdk.Duration.seconds(60),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=3, queue=dead),
        )
        events.Rule(
            self,
            "Arrived",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [self.bucket.bucket_name]},
                    "object": {"key": [{"wildcard": "notes/*.txt"}]},
                },
            ),
            targets=[targets.SqsQueue(queue, dead_letter_queue=dead)],
        )
        return queue

    def _starter(self) -> None:
        policy = iam.ManagedPolicy(self, "MayStart")
        starter = self._function("tide", environment={"MACHINE": self.machine.state_machine_arn})
        self.machine.grant_start_execution(policy)
        assert starter.role is not None
        starter.role.add_managed_policy(policy)
        starter.add_event_source(sources.SqsEventSource(self.queue, report_batch_item_failures=True))

    def _custom_resource(self) -> None:
        provider = self._function("custom")
        made = cdk.CustomResource(
            self, "Number", service_token=provider.function_arn, resource_type="Custom::Number", properties={"Of": "7"}
        )
        cdk.CfnOutput(self, "Doubled", value=made.get_att_string("Doubled"))


app = cdk.App()
Parcels(app, "Parcels")
app.synth()
