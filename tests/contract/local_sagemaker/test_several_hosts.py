"""A training job on several instances: hosts that know each other by name, shares of the data, one model of all."""

from __future__ import annotations

import socket
from typing import Any, Final

import pytest

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import BUCKET, Bench, channel, training_request
from tests.patience import eventually

ROWS: Final = {"a": b"1\n", "b": b"1\n2\n", "c": b"1\n2\n3\n"}


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def request(bench: Bench, name: str, *arguments: str, spread: str = "ShardedByS3Key", count: int = 2) -> Json:
    for key, body in ROWS.items():
        bench.put(f"rows/{key}.csv", body)
    rows: Any = channel("rows", f"s3://{BUCKET}/rows/")
    rows["DataSource"]["S3DataSource"]["S3DataDistributionType"] = spread
    asked = training_request(name, "meet", *arguments, InputDataConfig=[channel("code", f"s3://{BUCKET}/code/"), rows])
    return asked | {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1}}


@pytest.mark.parametrize(
    ("spread", "count", "lines"),
    [("ShardedByS3Key", 2, [4, 2]), ("ShardedByS3Key", 3, [1, 2, 3]), ("FullyReplicated", 2, [6, 6])],
)
def test_hosts_meet_by_name_with_their_shares_of_the_data_and_leave_one_model(
    bench: Bench, spread: str, count: int, lines: list[int]
) -> None:
    name = f"cluster-{spread.lower()}-{count}"
    bench.sagemaker.create_training_job(**request(bench, name, free_port(), spread=spread, count=count))

    job = bench.trained(name)

    assert job["TrainingJobStatus"] == "Completed", job
    left = bench.members(f"out/{name}/output/model.tar.gz")
    hosts = {f"algo-{place}": found for place, found in enumerate(lines, start=1)}
    assert {host: left[f"{host}.txt"] for host in hosts} == {host: str(found) for host, found in hosts.items()}
    assert left["told.txt"] == " ".join(f"{host}={found}" for host, found in list(hosts.items())[1:])


def test_each_host_has_a_log_stream_of_its_own(bench: Bench) -> None:
    bench.sagemaker.create_training_job(**request(bench, "cluster-logs", free_port()))
    bench.trained("cluster-logs")

    folder = bench.home / "sagemaker/training/cluster-logs"

    assert "algo-1 is done" in (folder / "log.txt").read_text()
    assert "algo-2 is done" in (folder / "log-2.txt").read_text()


@pytest.mark.parametrize("fails", ["algo-1", "algo-2"])
def test_one_host_that_fails_ends_the_others_and_gives_the_reason(bench: Bench, fails: str) -> None:
    name = f"cluster-{fails}-fails"
    bench.sagemaker.create_training_job(**request(bench, name, free_port(), fails))

    job = bench.trained(name)

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == f"AlgorithmError: {fails} gives up, exit code: 3"


def test_all_hosts_are_stopped_together(bench: Bench) -> None:
    asked = request(bench, "cluster-stops")
    asked["AlgorithmSpecification"]["ContainerArguments"] = ["wait"]
    bench.sagemaker.create_training_job(**asked)
    folder = bench.home / "sagemaker/training/cluster-stops"
    logs = [folder / "log.txt", folder / "log-2.txt"]
    eventually(lambda: all(log.is_file() and "waiting" in log.read_text() for log in logs), "both hosts wait")

    bench.sagemaker.stop_training_job(TrainingJobName="cluster-stops")

    assert bench.trained("cluster-stops")["TrainingJobStatus"] == "Stopped"
