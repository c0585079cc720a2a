"""What a stage leaves when it goes: nothing of its own, and everything of others."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from retide.aws.clients import Clients
from retide.aws.removal import PATIENCE, PAUSE, Removal


def test_emptying_a_bucket_takes_every_version_and_marker(clients: Clients) -> None:
    clients.s3.create_bucket(Bucket="data")
    clients.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        clients.s3.put_object(Bucket="data", Key="incoming/a", Body=body)
    clients.s3.delete_object(Bucket="data", Key="incoming/a")
    clients.s3.put_object(Bucket="data", Key="curated/ä b", Body=b"3")
    for _ in range(2):
        Removal(clients).empty_bucket("data")
    clients.s3.delete_bucket(Bucket="data")


def _serve(clients: Clients, name: str) -> None:
    clients.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/FakeRole",
        PrimaryContainer={"Image": "image", "ModelDataUrl": "s3://data/model.tar.gz"},
    )
    clients.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        ],
    )


def test_removing_a_model_takes_its_own_things_and_not_those_of_a_namesake(clients: Clients) -> None:
    own, namesake = "retide-dev-tumour-v1-aaaaaa", "retide-dev-tumour-two-v1-bbbbbb"
    for name in (own, namesake):
        _serve(clients, name)
    clients.sagemaker.create_endpoint(EndpointName="retide-dev-tumour", EndpointConfigName=own)
    clients.sagemaker.create_model_package_group(ModelPackageGroupName="retide-dev-tumour")
    Removal(clients).remove_model("dev", "tumour")
    assert clients.sagemaker.list_endpoints()["Endpoints"] == []
    assert [model["ModelName"] for model in clients.sagemaker.list_models()["Models"]] == [namesake]
    configs = clients.sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert [config["EndpointConfigName"] for config in configs] == [namesake]


def test_removing_a_model_that_was_never_served_is_content(clients: Clients) -> None:
    clients.sagemaker.create_model_package_group(ModelPackageGroupName="retide-dev-tumour")
    _serve(clients, namesake := "retide-dev-tumour-two-v1-bbbbbb")
    Removal(clients).remove_model("dev", "tumour")
    assert [model["ModelName"] for model in clients.sagemaker.list_models()["Models"]] == [namesake]
    groups = clients.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == ["retide-dev-tumour"]  # which its stack deletes


def test_an_endpoint_s_log_goes_with_it_and_those_of_its_trials(clients: Clients) -> None:
    clients.sagemaker.create_model_package_group(ModelPackageGroupName="retide-dev-tumour")
    trial = "retide-dev-tumour-v1-abcdef"
    for name in ("retide-dev-tumour", trial, "retide-dev-tumour-two"):
        clients.logs.create_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{name}")
    Removal(clients).remove_model("dev", "tumour")
    left = [group["logGroupName"] for group in clients.logs.describe_log_groups()["logGroups"]]
    assert left == ["/aws/sagemaker/Endpoints/retide-dev-tumour-two"]


def _seen(clients: Clients, *statuses: str) -> list[float]:
    """Remove a model whose endpoint has these statuses, look by look, and is gone then; the waits between."""
    waits: list[float] = []
    with Stubber(clients.sagemaker) as service:
        service.add_response("list_endpoints", {"Endpoints": []})
        for status in statuses:
            if status == "delete":
                service.add_response("delete_endpoint", {}, {"EndpointName": "retide-dev-tumour"})
            elif status == "others":
                service.add_response("list_endpoint_configs", {"EndpointConfigs": []})
                service.add_response("list_models", {"Models": []})
            elif status == "gone":
                service.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
            else:
                service.add_response("describe_endpoint", _endpoint(status))
        _on_instances(service)
        service.add_response("list_model_packages", {"ModelPackageSummaryList": []})
        Removal(clients, waits.append).remove_model("dev", "tumour")
        service.assert_no_pending_responses()
    return waits


def _on_instances(service: Stubber) -> None:
    """Of the endpoint of the other kind there is nothing."""
    service.add_response("list_endpoints", {"Endpoints": []})
    service.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
    service.add_response("list_endpoint_configs", {"EndpointConfigs": []})
    service.add_response("list_models", {"Models": []})
    service.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")


def test_an_endpoint_that_is_being_changed_is_waited_for(clients: Clients) -> None:
    assert len(_seen(clients, "Updating", "RollingBack", "InService", "delete", "others", "gone")) == 2


def test_an_endpoint_that_goes_already_is_not_deleted_again(clients: Clients) -> None:
    assert len(_seen(clients, "Deleting", "others", "Deleting", "gone")) == 1


def test_an_endpoint_that_never_settles_ends_the_wait_with_a_word(clients: Clients) -> None:
    waits: list[float] = []
    with Stubber(clients.sagemaker) as service:
        service.add_response("list_endpoints", {"Endpoints": []})
        for _ in range(PATIENCE):
            service.add_response("describe_endpoint", _endpoint("Updating"))
        with pytest.raises(RuntimeError, match=r"still Updating .* again later"):
            Removal(clients, waits.append).remove_model("dev", "tumour")
    assert sum(waits) == PATIENCE * PAUSE


def _endpoint(status: str) -> dict[str, object]:
    name = "retide-dev-tumour"
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}"
    return {
        "EndpointName": name,
        "EndpointArn": arn,
        "EndpointConfigName": name,
        "EndpointStatus": status,
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
