"""Endpoints on a running cloud: real servers, updates without a failed request, rollbacks."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from retide.local.processes import Registry
from tests.contract.local_sagemaker.bench import IMAGE, ROLE, Bench, living
from tests.patience import eventually

INSTANCES: Any = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def test_an_endpoint_answers_from_its_model(bench: Bench) -> None:
    bench.config("answers")

    endpoint = bench.endpoint("answers", "answers")

    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == "answers"
    assert endpoint["ProductionVariants"][0]["VariantName"] == "AllTraffic"
    assert endpoint["ProductionVariants"][0]["CurrentServerlessConfig"]["MemorySizeInMB"] == 2048
    answer = bench.invoke("answers", b"5,6")
    assert (answer["version"], answer["body"]) == ("1", "5,6")
    assert "PYTEST_CURRENT_TEST" not in answer["environment"]


def test_an_update_swaps_without_a_failed_request(bench: Bench) -> None:
    bench.config("swap-1", "1")
    bench.config("swap-2", "2")
    bench.endpoint("swaps", "swap-1")
    traffic = Traffic(bench, "swaps")

    traffic.start()
    bench.sagemaker.update_endpoint(EndpointName="swaps", EndpointConfigName="swap-2")
    while_updating = bench.sagemaker.describe_endpoint(EndpointName="swaps")
    settled = bench.settled("swaps")
    eventually(lambda: "2" in traffic.versions, "the new version answers")
    traffic.stop()

    assert (while_updating["EndpointStatus"], while_updating["EndpointConfigName"]) == ("Updating", "swap-1")
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "swap-2")
    assert traffic.failures == []
    assert set(traffic.versions) == {"1", "2"}
    assert traffic.versions == sorted(traffic.versions)


def test_a_request_under_way_is_answered_by_the_old_server(bench: Bench) -> None:
    bench.config("slow-1", "1")
    bench.config("slow-2", "2")
    bench.endpoint("slow", "slow-1")
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(bench.invoke("slow", b"slow")))
    asking.start()

    bench.sagemaker.update_endpoint(EndpointName="slow", EndpointConfigName="slow-2")
    bench.settled("slow")
    asking.join()

    assert answers[0]["version"] == "1"
    assert bench.invoke("slow")["version"] == "2"


def test_an_update_that_does_not_come_up_goes_back_to_the_old_configuration(bench: Bench) -> None:
    bench.config("good", "1")
    bench.config("bad", "broken")
    bench.endpoint("goes-back", "good")
    traffic = Traffic(bench, "goes-back")

    traffic.start()
    bench.sagemaker.update_endpoint(EndpointName="goes-back", EndpointConfigName="bad")
    endpoint = bench.settled("goes-back")
    traffic.stop()

    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "good")
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    assert traffic.failures == []
    assert set(traffic.versions) == {"1"}


def test_the_reason_of_a_rollback_is_gone_after_a_good_update(bench: Bench) -> None:
    bench.config("mend-1", "1")
    bench.config("mend-broken", "broken")
    bench.endpoint("mends", "mend-1")
    bench.sagemaker.update_endpoint(EndpointName="mends", EndpointConfigName="mend-broken")
    bench.settled("mends")

    bench.sagemaker.update_endpoint(EndpointName="mends", EndpointConfigName="mend-1")

    assert "FailureReason" not in bench.settled("mends")


def test_a_model_that_cannot_be_loaded_fails_its_endpoint(bench: Bench) -> None:
    bench.config("unloadable", "broken")

    endpoint = bench.endpoint("unloadable", "unloadable")

    assert endpoint["EndpointStatus"] == "Failed"
    assert "variant AllTraffic did not pass the ping health check" in endpoint["FailureReason"]
    with pytest.raises(ClientError, match="in status Failed: delete it first"):
        bench.sagemaker.update_endpoint(EndpointName="unloadable", EndpointConfigName="unloadable")


def test_a_model_that_is_never_healthy_fails_when_its_time_is_over(bench: Bench) -> None:
    bench.config("sick", "sick", **INSTANCES, ContainerStartupHealthCheckTimeoutInSeconds=60)
    before = Registry(bench.home).sessions()
    bench.sagemaker.create_endpoint(EndpointName="sick", EndpointConfigName="sick")
    eventually(lambda: Registry(bench.home).sessions() - before, "a server starts")

    bench.advance(61)

    assert bench.settled("sick")["EndpointStatus"] == "Failed"
    assert living(Registry(bench.home).sessions() - before) == []


def test_an_endpoint_that_is_being_updated_takes_no_other_update(bench: Bench) -> None:
    bench.config("busy-1", "1")
    bench.config("busy-2", "2")
    bench.endpoint("busy", "busy-1")
    bench.sagemaker.update_endpoint(EndpointName="busy", EndpointConfigName="busy-2")

    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        bench.sagemaker.update_endpoint(EndpointName="busy", EndpointConfigName="busy-1")

    assert bench.settled("busy")["EndpointConfigName"] == "busy-2"


def test_a_serverless_endpoint_does_not_turn_into_instances(bench: Bench) -> None:
    bench.config("kind-1")
    bench.config("kind-2", **INSTANCES)
    bench.endpoint("kind", "kind-1")

    with pytest.raises(ClientError, match="cannot be updated from serverless to instances"):
        bench.sagemaker.update_endpoint(EndpointName="kind", EndpointConfigName="kind-2")


def test_a_deleted_endpoint_is_gone_with_its_servers(bench: Bench) -> None:
    bench.config("deleted")
    before = Registry(bench.home).sessions()
    bench.endpoint("deleted", "deleted")
    sessions = Registry(bench.home).sessions() - before
    assert living(sessions)

    bench.sagemaker.delete_endpoint(EndpointName="deleted")

    eventually(lambda: gone(bench, "deleted"), "the endpoint is gone")
    assert living(sessions) == []


def test_an_endpoint_can_be_deleted_while_it_is_created(bench: Bench) -> None:
    bench.config("hasty", "sick", **INSTANCES)
    before = Registry(bench.home).sessions()
    bench.sagemaker.create_endpoint(EndpointName="hasty", EndpointConfigName="hasty")

    bench.sagemaker.delete_endpoint(EndpointName="hasty")

    eventually(lambda: gone(bench, "hasty"), "the endpoint is gone")
    eventually(lambda: not living(Registry(bench.home).sessions() - before), "its servers are gone")
    bench.config("hasty-again")
    bench.endpoint("hasty", "hasty-again")
    assert bench.sagemaker.describe_endpoint(EndpointName="hasty")["EndpointStatus"] == "InService"


def test_a_configuration_that_is_in_use_may_be_deleted_and_the_endpoint_goes_on(bench: Bench) -> None:
    bench.config("paper")
    bench.endpoint("paper", "paper")

    bench.sagemaker.delete_endpoint_config(EndpointConfigName="paper")
    bench.sagemaker.delete_model(ModelName="paper")

    assert bench.invoke("paper")["version"] == "1"


def test_two_variants_share_the_traffic_and_can_be_named(bench: Bench) -> None:
    bench.model("share-1", "1")
    bench.model("share-2", "2")
    variants = [
        {"VariantName": "main", "ModelName": "share-1", "InitialVariantWeight": 1.0, **INSTANCES},
        {"VariantName": "side", "ModelName": "share-2", "InitialVariantWeight": 0.0, **INSTANCES},
    ]
    bench.sagemaker.create_endpoint_config(EndpointConfigName="share", ProductionVariants=variants)
    bench.endpoint("share", "share")

    assert {bench.invoke("share")["version"] for _ in range(20)} == {"1"}
    assert bench.invoke("share", TargetVariant="side")["version"] == "2"


def test_names_of_models_configurations_and_endpoints_are_unique(bench: Bench) -> None:
    bench.config("unique")
    bench.endpoint("unique", "unique")

    with pytest.raises(ClientError, match="Cannot create already existing model"):
        bench.model("unique")
    variants = [{"VariantName": "a", "ModelName": "unique", **INSTANCES}]
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        bench.sagemaker.create_endpoint_config(EndpointConfigName="unique", ProductionVariants=variants)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint "):
        bench.sagemaker.create_endpoint(EndpointName="unique", EndpointConfigName="unique")


def test_what_does_not_exist_is_not_found(bench: Bench) -> None:
    api = bench.sagemaker
    for call, match in (
        (lambda: api.describe_model(ModelName="none"), "Could not find model"),
        (lambda: api.describe_endpoint_config(EndpointConfigName="none"), "Could not find endpoint configuration"),
        (lambda: api.describe_endpoint(EndpointName="none"), "Could not find endpoint "),
        (lambda: api.create_endpoint(EndpointName="a", EndpointConfigName="none"), "Could not find endpoint config"),
        (lambda: bench.model("no-data", "none"), "Could not find model data"),
    ):
        with pytest.raises(ClientError, match=f"ValidationException.*{match}"):
            call()


def test_a_model_that_the_image_itself_would_serve_is_refused_by_name(bench: Bench) -> None:
    container = {"Image": IMAGE, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}

    with pytest.raises(ClientError, match=r"NotSupportedByLocalCloud.*SAGEMAKER_SERVING_MODULE"):
        bench.sagemaker.create_model(ModelName="own", ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_serverless_memory_comes_in_whole_gigabytes(bench: Bench) -> None:
    bench.model("memory")
    serverless = {"MemorySizeInMB": 1500, "MaxConcurrency": 1}

    with pytest.raises(ClientError, match="MemorySizeInMB must be one of 1024"):
        bench.sagemaker.create_endpoint_config(
            EndpointConfigName="memory",
            ProductionVariants=[{"VariantName": "a", "ModelName": "memory", "ServerlessConfig": serverless}],
        )


def test_a_serverless_endpoint_is_never_isolated(bench: Bench) -> None:
    container = {"Image": IMAGE, "Environment": {"SAGEMAKER_SERVING_MODULE": "server:app"}}
    bench.sagemaker.create_model(
        ModelName="isolated", ExecutionRoleArn=ROLE, PrimaryContainer=container, EnableNetworkIsolation=True
    )
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}

    with pytest.raises(ClientError, match="serverless endpoint does not support EnableNetworkIsolation"):
        bench.sagemaker.create_endpoint_config(
            EndpointConfigName="isolated",
            ProductionVariants=[{"VariantName": "a", "ModelName": "isolated", "ServerlessConfig": serverless}],
        )


def gone(bench: Bench, name: str) -> bool:
    return name not in {e["EndpointName"] for e in bench.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]}


class Traffic:
    """Two clients that ask an endpoint all the time; versions are in the order of one client's answers."""

    def __init__(self, bench: Bench, endpoint: str) -> None:
        self._bench = bench
        self._endpoint = endpoint
        self._enough = threading.Event()
        self._clients = [threading.Thread(target=self._ask) for _ in range(2)]
        self.failures: list[Exception] = []
        self.versions: list[str] = []

    def start(self) -> None:
        for client in self._clients:
            client.start()
        eventually(lambda: self.versions, "the endpoint answers")

    def stop(self) -> None:
        self._enough.set()
        for client in self._clients:
            client.join()

    def _ask(self) -> None:
        own: list[str] = []
        while not self._enough.is_set():
            try:
                own.append(self._bench.invoke(self._endpoint)["version"])
            except (BotoCoreError, ClientError) as failure:
                self.failures.append(failure)
            if own == sorted(own):
                self.versions[:] = own if len(own) > len(self.versions) else self.versions
            else:
                self.failures.append(AssertionError(f"an old version answered after a new one: {own[-5:]}"))
