"""How these tests speak to SageMaker: requests with sound defaults, and waiting for what happens by itself."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import boto3
import psutil
from botocore.config import Config

from retide.local.cloud import Running
from retide.local.interfaces import Json
from retide.local.processes import lives
from tests.contract.local_sagemaker.containers import SERVER
from tests.patience import eventually

ROOT: Final = Path(__file__).resolve().parents[3]
BUCKET: Final = "sagemaker-tests"
ROLE: Final = "arn:aws:iam::000000000000:role/anyone"
TAG: Final = "sagemaker-scikit-learn:1.9-0-cpu-py3"
IMAGE: Final = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{TAG}"


def images() -> dict[str, Path]:
    """The job environment that `make setup` has made."""
    return {TAG: ROOT / ".venv-jobs" / "bin" / "python"}


class Bench:
    """One running cloud and its clients."""

    def __init__(self, home: Path, running: Running) -> None:
        self.home = home
        self.running = running
        names = ("s3", "sagemaker", "sagemaker-runtime", "logs", "sqs", "events", "stepfunctions", "cloudformation")
        clients = [self.client(name) for name in names]
        self.s3, self.sagemaker, self.runtime, self.logs, self.sqs, self.events, self.states = clients[:-1]
        self.cloudformation = clients[-1]

    def client(self, name: str, **config: Any) -> Any:
        client: Any = boto3.client  # its stubs have no overload for a name that varies
        reach = {"endpoint_url": self.running.endpoint_url, "region_name": self.running.region}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return client(name, **reach, **keys, config=Config(**config))

    def advance(self, seconds: float) -> None:
        self.running.change_time(advance=seconds)

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def members(self, key: str) -> dict[str, str]:
        """The files in a tar.gz on S3."""
        with tarfile.open(fileobj=io.BytesIO(self.get(key)), mode="r:gz") as tar:
            files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
            return {name: file.read().decode() for name, file in files.items() if file is not None}

    def train(self, name: str, *arguments: str, **members: Any) -> Json:
        """Run a training job to its end and describe it."""
        self.sagemaker.create_training_job(**training_request(name, *arguments, **members))
        return self.trained(name)

    def trained(self, name: str) -> Json:
        return self._ended("Training", self.sagemaker.describe_training_job, name)

    def process(self, name: str, *arguments: str, **members: Any) -> Json:
        """Run a processing job to its end and describe it."""
        self.sagemaker.create_processing_job(**processing_request(name, *arguments, **members))
        return self.processed(name)

    def processed(self, name: str) -> Json:
        return self._ended("Processing", self.sagemaker.describe_processing_job, name)

    def _ended(self, noun: str, describe: Callable[..., Json], name: str) -> Json:
        def ended() -> Json | None:
            job = describe(**{f"{noun}JobName": name})
            return None if job[f"{noun}JobStatus"] in {"InProgress", "Stopping"} else job

        return eventually(ended, f"the {noun.lower()} job {name} ends")

    def log(self, kind: str, name: str) -> str:
        file = self.home / "sagemaker" / kind / name / "log.txt"
        return file.read_text() if file.is_file() else ""

    def until_logged(self, kind: str, name: str, text: str) -> None:
        eventually(lambda: text in self.log(kind, name), f"the {kind} job {name} says {text!r}")

    def model(self, name: str, version: str = "1", **environment: str) -> None:
        variables = {"SAGEMAKER_SERVING_MODULE": "server:app", "PYTHONPATH": "/opt/ml/model/code"} | environment
        url = f"s3://{BUCKET}/models/{version}.tar.gz"
        container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": variables}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)

    def config(self, name: str, version: str = "1", **variant: Any) -> None:
        """A model and an endpoint configuration of the same name."""
        self.model(name, version)
        members = variant or {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
        variants = [{"VariantName": "AllTraffic", "ModelName": name, **members}]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)

    def endpoint(self, name: str, config: str) -> Json:
        """Create an endpoint and describe it when it has left Creating."""
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return self.settled(name)

    def settled(self, name: str) -> Json:
        def described() -> Json | None:
            endpoint: Json = self.sagemaker.describe_endpoint(EndpointName=name)
            return None if endpoint["EndpointStatus"] in {"Creating", "Updating"} else endpoint

        return eventually(described, f"endpoint {name} settles")

    def invoke(self, endpoint: str, body: bytes = b"1,2", **members: str) -> Json:
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **members)
        content: Json = json.loads(answer["Body"].read())
        return content


def training_request(name: str, *arguments: str, **members: Any) -> Json:
    """CreateTrainingJob for the job of these tests; `members` are added or replaced."""
    request: Json = {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "/opt/ml/input/data/code/job.py"],
            "ContainerArguments": list(arguments or ("save",)),
        },
        "InputDataConfig": [channel("code", f"s3://{BUCKET}/code/")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    return request | members


def channel(name: str, uri: str, kind: str = "S3Prefix") -> Json:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}}


def processing_request(name: str, *arguments: str, **members: Any) -> Json:
    """CreateProcessingJob for the job of these tests; `members` are added or replaced."""
    request: Json = {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python", "/opt/ml/processing/code/job.py"],
            "ContainerArguments": list(arguments or ("copy",)),
        },
        "ProcessingInputs": [processing_input("code", f"s3://{BUCKET}/code/", "/opt/ml/processing/code")],
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    return request | members


def processing_input(name: str, uri: str, path: str) -> Json:
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def processing_output(name: str, uri: str, path: str) -> Json:
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"}}


def model_archive(version: str) -> bytes:
    """A model.tar.gz with a server that knows its version."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in {"version": version, "code/server.py": SERVER}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def living(sessions: set[int]) -> list[psutil.Process]:
    """The processes in these sessions that still run."""
    return [process for process in psutil.process_iter() if _session(process.pid) in sessions and lives(process)]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
