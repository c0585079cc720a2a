"""The SageMaker SDK, which knows nothing of the local cloud, works against it as it does against AWS."""

import io
import tarfile
from typing import Final

import boto3
import pytest
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, ModelPackage, ModelPackageGroup, TrainingJob
from sagemaker.core.shapes.shapes import (
    AlgorithmSpecification,
    Channel,
    ContainerDefinition,
    DataSource,
    OutputDataConfig,
    ProductionVariant,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
)
from sagemaker.core.utils.exceptions import FailedStatusError

from tests.sdk.conftest import BUCKET, IMAGE_NAME

IMAGE: Final = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{IMAGE_NAME}"
ROLE: Final = "arn:aws:iam::000000000000:role/jobs"
DOUBLE: Final = f"s3://{BUCKET}/double.tar.gz"


def channel(name: str, prefix: str) -> Channel:
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{BUCKET}/{prefix}/")
    return Channel(channel_name=name, data_source=DataSource(s3_data_source=source))


def train(session: boto3.Session, name: str, rows: str) -> TrainingJob:
    entrypoint = ["python", "/opt/ml/input/data/code/fit.py"]
    job = TrainingJob.create(
        training_job_name=name,
        role_arn=ROLE,
        algorithm_specification=AlgorithmSpecification(
            training_image=IMAGE, training_input_mode="File", container_entrypoint=entrypoint
        ),
        input_data_config=[channel("code", "code"), channel("train", rows)],
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/models/"),
        resource_config=ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=120),
        session=session,
    )
    assert isinstance(job, TrainingJob)
    return job


def test_the_sdk_trains_and_finds_the_model_on_s3(session: boto3.Session) -> None:
    job = train(session, "sdk-fit", "rows")
    job.wait(poll=1, timeout=60)
    job.refresh()
    key = job.model_artifacts.s3_model_artifacts.removeprefix(f"s3://{BUCKET}/")
    body = session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        slope = tar.extractfile("slope.txt")
        assert slope is not None
        assert slope.read() == b"3.000"


def test_the_sdk_raises_the_reason_that_a_failed_job_gave(session: boto3.Session) -> None:
    with pytest.raises(FailedStatusError, match="there are no rows to learn from"):
        train(session, "sdk-fails", "none").wait(poll=1, timeout=60)


def test_the_sdk_deploys_invokes_and_deletes_an_endpoint(session: boto3.Session) -> None:
    environment = {"SAGEMAKER_SERVING_MODULE": "serve:app", "PYTHONPATH": "/opt/ml/model/code"}
    container = ContainerDefinition(image=IMAGE, model_data_url=DOUBLE, environment=environment)
    Model.create(model_name="double", primary_container=container, execution_role_arn=ROLE, session=session)
    variant = ProductionVariant(
        variant_name="all", model_name="double", initial_instance_count=1, instance_type="ml.m5.large"
    )
    EndpointConfig.create(endpoint_config_name="double", production_variants=[variant], session=session)
    endpoint = Endpoint.create(endpoint_name="double", endpoint_config_name="double", session=session)
    assert isinstance(endpoint, Endpoint)
    endpoint.wait_for_status("InService", poll=1, timeout=60)

    answer = endpoint.invoke(body="21", content_type="text/csv", session=session)

    assert answer is not None
    assert answer.body.read() == b"42.0"
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=60)


def test_the_sdk_reads_a_registered_model_and_approves_it_by_a_second_call(session: boto3.Session) -> None:
    ModelPackageGroup.create(model_package_group_name="doubles", session=session)
    # The SDK's own `create` expects a member in the answer that SageMaker does not send.
    registered = session.client("sagemaker").create_model_package(
        ModelPackageGroupName="doubles",
        InferenceSpecification={"Containers": [{"Image": IMAGE, "ModelDataUrl": DOUBLE}]},
        ModelApprovalStatus="PendingManualApproval",
    )
    package = ModelPackage.get(model_package_name=registered["ModelPackageArn"], session=session)
    assert isinstance(package, ModelPackage)
    assert package.model_approval_status == "PendingManualApproval"

    package.update(model_approval_status="Approved", approval_description="doubles as it should")

    package.refresh()
    assert (package.model_approval_status, package.model_package_version) == ("Approved", 1)
    assert package.approval_description == "doubles as it should"
