"""The JSON files by which a container learns what it runs for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from retide.local.interfaces import Json
from retide.local.sagemaker.container import Sandbox


def write_processing(base: Path, arn: str, request: Json) -> None:
    """The files below config; `base` is the container's /opt/ml."""
    content = {"ProcessingJobArn": arn} | {key: value for key, value in request.items() if key != "Tags"}
    folder = base / "config"
    (folder / "processingjobconfig.json").write_text(json.dumps(content))
    cluster = request["ProcessingResources"]["ClusterConfig"]
    resources = {"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": cluster.get("InstanceType")}
    (folder / "resourceconfig.json").write_text(json.dumps(resources))


def write_training(sandbox: Sandbox, hosts: Sequence[str], request: Json) -> None:
    """The files below input/config of one of the job's hosts."""
    folder = sandbox.base / "input" / "config"
    folder.mkdir(parents=True)
    channels = request.get("InputDataConfig", ())
    files = {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": {channel["ChannelName"]: _channel(channel) for channel in channels},
        "resourceconfig": _resources(sandbox.host, hosts, request["ResourceConfig"].get("InstanceType", "")),
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def _resources(host: str, hosts: Sequence[str], kind: str) -> Json:
    group = "homogeneousCluster"
    return {
        "current_host": host,
        "current_instance_type": kind,
        "current_group_name": group,
        "hosts": list(hosts),
        "instance_groups": [{"instance_group_name": group, "instance_type": kind, "hosts": list(hosts)}],
        "network_interface_name": "lo",
    }


def _channel(channel: Json) -> Json:
    return {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": channel["DataSource"]["S3DataSource"].get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
    }
