"""The SDK's resources as these tests make them."""

from typing import Any, Final

import boto3
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TrainingJob
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

from tests.sdk.conftest import BUCKET, IMAGE_NAME

IMAGE: Final = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{IMAGE_NAME}"
ROLE: Final = "arn:aws:iam::000000000000:role/jobs"
DOUBLE: Final = f"s3://{BUCKET}/double.tar.gz"
SERVING: Final = {"SAGEMAKER_SERVING_MODULE": "serve:app", "PYTHONPATH": "/opt/ml/model/code"}


def channel(name: str, prefix: str) -> Channel:
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{BUCKET}/{prefix}/")
    return Channel(channel_name=name, data_source=DataSource(s3_data_source=source))


def train(session: boto3.Session, name: str, rows: str = "rows", **members: Any) -> TrainingJob:
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
        **members,
    )
    assert isinstance(job, TrainingJob)
    return job


def model(session: boto3.Session, name: str, container: ContainerDefinition) -> Model:
    made = Model.create(model_name=name, primary_container=container, execution_role_arn=ROLE, session=session)
    assert isinstance(made, Model)
    return made


def config(session: boto3.Session, name: str) -> EndpointConfig:
    """A configuration that serves the model of the same name."""
    variant = ProductionVariant(
        variant_name="all", model_name=name, initial_instance_count=1, instance_type="ml.m5.large"
    )
    made = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant], session=session)
    assert isinstance(made, EndpointConfig)
    return made


def endpoint(session: boto3.Session, name: str) -> Endpoint:
    """An endpoint in service, of the configuration of the same name."""
    made = Endpoint.create(endpoint_name=name, endpoint_config_name=name, session=session)
    assert isinstance(made, Endpoint)
    made.wait_for_status("InService", poll=1, timeout=60)
    return made


def ask(served: Endpoint, session: boto3.Session, number: str) -> bytes:
    answer = served.invoke(body=number, content_type="text/csv", session=session)
    assert answer is not None
    body: bytes = answer.body.read()
    return body
