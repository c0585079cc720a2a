"""Jobs on SageMaker, as far as a run asks for one that an earlier attempt began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from retide.aws.clients import code

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient


class SageMakerJobs:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def training_status(self, name: str) -> str | None:
        try:
            return self._client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
        except ClientError as error:
            if code(error) in {"ValidationException", "ResourceNotFound"}:
                return None  # SageMaker's word for a job that is not there
            raise

    def tuning_status(self, name: str) -> str | None:
        try:
            found = self._client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
            return found["HyperParameterTuningJobStatus"]
        except ClientError as error:
            if code(error) in {"ValidationException", "ResourceNotFound"}:
                return None
            raise
