"""The endpoints on SageMaker: how one stands, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from retide.aws.clients import code, detail, message
from retide.aws.transient import passes
from retide.ports import EndpointState, InvocationFailed

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient
    from mypy_boto3_sagemaker_runtime.client import SageMakerRuntimeClient


class SageMakerEndpoints:
    def __init__(self, client: SageMakerClient, runtime: SageMakerRuntimeClient) -> None:
        self._client = client
        self._runtime = runtime

    def describe(self, name: str) -> EndpointState | None:
        try:
            answer = self._client.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if code(error) == "ValidationException" and "not find" in message(error):
                return None
            raise
        return EndpointState(
            answer["EndpointStatus"], answer.get("EndpointConfigName", ""), answer.get("FailureReason", "")
        )

    def instance_type(self, config: str) -> str:
        try:
            answer = self._client.describe_endpoint_config(EndpointConfigName=config)
        except ClientError as error:
            if code(error) == "ValidationException" and "not find" in message(error):
                return ""
            raise
        return answer["ProductionVariants"][0].get("InstanceType", "")

    def invoke(self, name: str, body: bytes, variant: str | None = None) -> bytes:
        """Errors that pass by themselves are raised as they are, so that the state machine tries again."""
        kinds = {"ContentType": "application/json", "Accept": "application/json"}
        target = {"TargetVariant": variant} if variant else {}
        try:
            answer = self._runtime.invoke_endpoint(EndpointName=name, Body=body, **kinds, **target)
            return answer["Body"].read()
        except ClientError as error:
            if passes(error):
                raise
            raise InvocationFailed(str(detail(error, "OriginalMessage") or message(error))) from error
        except BotoCoreError as error:
            raise InvocationFailed(f"the endpoint did not answer: {error}") from error
