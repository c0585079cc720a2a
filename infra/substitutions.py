"""What the placeholders of the ASL files stand for."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from infra.parts.images import ImageRegistry
from infra.settings import Settings

Substitutions = dict[str, str]


def functions(steps: Mapping[str, lambda_.Function]) -> Substitutions:
    """`${FreezeFunction}` is the ARN of the function that runs functions/freeze."""
    return {
        "".join(word.capitalize() for word in name.split("_")) + "Function": function.function_arn
        for name, function in steps.items()
    }


def jobs(*, bucket: s3.IBucket, image: ImageRegistry, role: iam.IRole) -> Substitutions:
    return {
        "DataBucket": bucket.bucket_name,
        "ImageUri": image.uri,
        "JobRoleArn": role.role_arn,
    }


def boosting(*, image: ImageRegistry, role: iam.IRole) -> Substitutions:
    return {"BoostingImageUri": image.boosting_uri, "BoostingRoleArn": role.role_arn}


def hosting(*, role: iam.IRole, settings: Settings, keeper: lambda_.IFunction) -> Substitutions:
    """`keeper` takes what is captured from the logs of endpoints, which are kept as long as the stage's own."""
    return {
        "ServingRoleArn": role.role_arn,
        "PollSeconds": str(settings.poll_seconds),
        "CapturesKeeper": keeper.function_arn,
        "LogDays": str(settings.log_days),
    }
