"""The SageMaker SDK registers, deploys, asks and deletes models on the local cloud as it does on AWS."""

import boto3
import pytest
from botocore.exceptions import ClientError
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, ModelPackage, ModelPackageGroup, TrainingJob
from sagemaker.core.shapes.shapes import ContainerDefinition

from tests.sdk.conftest import BUCKET
from tests.sdk.parts import DOUBLE, IMAGE, SERVING, ask, config, endpoint, model, train


def register(session: boto3.Session, group: str, artefact: str) -> ModelPackage:
    """A version in a new group. The SDK's own `create` expects a member in the answer that SageMaker does not send."""
    ModelPackageGroup.create(model_package_group_name=group, session=session)
    registered = session.client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={"Containers": [{"Image": IMAGE, "ModelDataUrl": artefact, "Environment": SERVING}]},
        ModelApprovalStatus="PendingManualApproval",
    )
    package = ModelPackage.get(model_package_name=registered["ModelPackageArn"], session=session)
    assert isinstance(package, ModelPackage)
    return package


def test_the_sdk_takes_a_model_from_its_rows_to_its_answers_and_away_again(session: boto3.Session) -> None:
    job = train(session, "sdk-story")
    job.wait(poll=1, timeout=60)
    job.refresh()
    package = register(session, "sdk-story", job.model_artifacts.s3_model_artifacts)
    package.update(model_approval_status="Approved")
    of_package = ContainerDefinition(model_package_name=package.model_package_arn)
    made = model(session, "sdk-story", of_package), config(session, "sdk-story")
    served = endpoint(session, "sdk-story")

    assert ask(served, session, "14") == b"42.0"

    served.delete()
    served.wait_for_delete(poll=1, timeout=60)
    group = ModelPackageGroup.get(model_package_group_name="sdk-story", session=session)
    assert isinstance(group, ModelPackageGroup)
    # The SDK's own `delete` wants the name that only an unversioned package has.
    session.client("sagemaker").delete_model_package(ModelPackageName=package.model_package_arn)
    for resource in (*made, group, job):
        resource.delete()
    assert left(session, "sdk-story") == []


def left(session: boto3.Session, name: str) -> list[object]:
    """Everything whose name contains `name`."""
    kinds = (Endpoint, EndpointConfig, Model, ModelPackageGroup, TrainingJob)
    return [item for kind in kinds for item in kind.get_all(name_contains=name, session=session)]


def test_the_sdk_moves_an_endpoint_to_another_configuration(session: boto3.Session) -> None:
    for name, factor in (("sdk-first", "1"), ("sdk-second", "10")):
        train(session, name, hyper_parameters={"factor": factor}).wait(poll=1, timeout=60)
        artefact = f"s3://{BUCKET}/models/{name}/output/model.tar.gz"
        model(session, name, ContainerDefinition(image=IMAGE, model_data_url=artefact, environment=SERVING))
        config(session, name)
    served = endpoint(session, "sdk-first")
    assert ask(served, session, "1") == b"3.0"

    served.endpoint_config_name = "sdk-second"
    served.update()
    served.wait_for_status("InService", poll=1, timeout=60)

    served.refresh()
    assert served.endpoint_config_name == "sdk-second"
    assert ask(served, session, "1") == b"30.0"
    served.delete()


def test_the_sdk_hears_what_a_model_answers_to_a_bad_request(session: boto3.Session) -> None:
    model(session, "sdk-bad", ContainerDefinition(image=IMAGE, model_data_url=DOUBLE, environment=SERVING))
    config(session, "sdk-bad")
    served = endpoint(session, "sdk-bad")

    with pytest.raises(ClientError, match=r"ModelError.*500"):
        ask(served, session, "not a number")
    served.delete()


def test_the_sdk_is_refused_an_endpoint_that_exists_already(session: boto3.Session) -> None:
    model(session, "sdk-twice", ContainerDefinition(image=IMAGE, model_data_url=DOUBLE, environment=SERVING))
    config(session, "sdk-twice")
    served = endpoint(session, "sdk-twice")

    with pytest.raises(ClientError, match="already exist"):
        Endpoint.create(endpoint_name="sdk-twice", endpoint_config_name="sdk-twice", session=session)
    served.delete()


def test_the_sdk_reads_a_registered_model_and_approves_it_by_a_second_call(session: boto3.Session) -> None:
    package = register(session, "doubles", DOUBLE)
    assert package.model_approval_status == "PendingManualApproval"

    package.update(model_approval_status="Approved", approval_description="doubles as it should")

    package.refresh()
    assert (package.model_approval_status, package.model_package_version) == ("Approved", 1)
    assert package.approval_description == "doubles as it should"
