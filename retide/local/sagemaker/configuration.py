"""The JSON files by which a container learns what it runs for."""

from __future__ import annotations

import json
from pathlib import Path

from retide.local.interfaces import Json


def write_processing(base: Path, arn: str, request: Json) -> None:
    """The files below config; `base` is the container's /opt/ml."""
    content = {"ProcessingJobArn": arn} | {key: value for key, value in request.items() if key != "Tags"}
    folder = base / "config"
    (folder / "processingjobconfig.json").write_text(json.dumps(content))
    cluster = request["ProcessingResources"]["ClusterConfig"]
    resources = {"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": cluster.get("InstanceType")}
    (folder / "resourceconfig.json").write_text(json.dumps(resources))


def write_training(base: Path, request: Json) -> None:
    """The files below input/config; `base` is the container's /opt/ml."""
    folder = base / "input" / "config"
    folder.mkdir(parents=True)
    channels = request.get("InputDataConfig", ())
    files = {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": {channel["ChannelName"]: _channel(channel) for channel in channels},
        "resourceconfig": _resources(request["ResourceConfig"].get("InstanceType", "")),
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def _resources(kind: str) -> Json:
    group = "homogeneousCluster"
    return {
        "current_host": "algo-1",
        "current_instance_type": kind,
        "current_group_name": group,
        "hosts": ["algo-1"],
        "instance_groups": [{"instance_group_name": group, "instance_type": kind, "hosts": ["algo-1"]}],
        "network_interface_name": "lo",
    }


def _channel(channel: Json) -> Json:
    return {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": channel["DataSource"]["S3DataSource"].get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
    }
