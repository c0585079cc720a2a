"""A function that runs by the clock: EventBridge Scheduler invokes it, and may invoke nothing else."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class Every(Construct):
    """No retry of the schedule's own: the next time comes soon enough. What could not be invoked goes to `dead`."""

    def __init__(
        self, scope: Construct, id_: str, *, minutes: int, function: lambda_.IFunction, dead: sqs.IQueue
    ) -> None:
        super().__init__(scope, id_)
        here = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=here))
        invoke = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        role.add_to_policy(invoke)
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[dead.queue_arn]))
        target = scheduler.CfnSchedule.TargetProperty(
            arn=function.function_arn,
            role_arn=role.role_arn,
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead.queue_arn),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_retry_attempts=0),
        )
        at_once = scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF")
        rate = f"rate({minutes} minutes)"
        scheduler.CfnSchedule(self, "Schedule", schedule_expression=rate, flexible_time_window=at_once, target=target)
