"""boto3 clients with house settings, and AWS's errors by their code."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sagemaker.client import SageMakerClient
    from mypy_boto3_sagemaker_runtime.client import SageMakerRuntimeClient
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_stepfunctions.client import SFNClient

CONNECTIONS = 16  # of one client, and so the most that it does at once
SETTINGS = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=5,
    read_timeout=65,
    max_pool_connections=CONNECTIONS,
)


class Clients:
    """One session; a client is made when it is first used, because each costs a cold start some 20 to 80 ms."""

    def __init__(self, session: boto3.Session | None = None) -> None:
        self._session = session or boto3.Session()

    @cached_property
    def s3(self) -> S3Client:
        return self._session.client("s3", config=SETTINGS)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", config=SETTINGS)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self._session.client("logs", config=SETTINGS)

    @cached_property
    def states(self) -> SFNClient:
        return self._session.client("stepfunctions", config=SETTINGS)

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", config=SETTINGS)

    @cached_property
    def sns(self) -> SNSClient:
        return self._session.client("sns", config=SETTINGS)

    @cached_property
    def functions(self) -> LambdaClient:
        return self._session.client("lambda", config=SETTINGS)

    @cached_property
    def kms(self) -> Any:
        return self._session.client("kms", config=SETTINGS)

    @cached_property
    def cloudwatch(self) -> Any:
        """Untyped, as is ssm: nobody but one adapter each needs them."""
        return self._session.client("cloudwatch", config=SETTINGS)

    @cached_property
    def scaling(self) -> Any:
        return self._session.client("application-autoscaling", config=SETTINGS)

    @cached_property
    def ssm(self) -> Any:
        return self._session.client("ssm", config=SETTINGS)

    @cached_property
    def sagemaker(self) -> SageMakerClient:
        return self._session.client("sagemaker", config=SETTINGS)

    @cached_property
    def sagemaker_runtime(self) -> SageMakerRuntimeClient:
        return self._session.client("sagemaker-runtime", config=SETTINGS)


def code(error: ClientError) -> str:
    """AWS's name of the error, without the service's prefix or suffix."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def detail(error: ClientError, name: str) -> Any:
    """A member of the error's own shape, such as CancellationReasons."""
    return error.response.get(name)
