"""Training jobs: channels in, model.tar.gz out, the states in between."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Final

from retide.local.errors import invalid, refuse_repeated
from retide.local.interfaces import Json
from retide.local.sagemaker.archives import pack
from retide.local.sagemaker.buckets import Location
from retide.local.sagemaker.configuration import write_training
from retide.local.sagemaker.container import Sandbox, interpreter
from retide.local.sagemaker.drivers import lay_drivers
from retide.local.sagemaker.errors import not_supported
from retide.local.sagemaker.jobs import DAY, Ending, Job, Launch, Outcome, Signal, algorithm_error
from retide.local.sagemaker.logs import final_metrics
from retide.local.sagemaker.operations import JobOperations
from retide.local.sagemaker.scripts import check_script, lay_script, script_words

HOSTS: Final = 8  # processes of one machine
NEEDED: Final = ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition")
SAID: Final = {
    "Starting": "Launching requested ML instances",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TrainingJobs(JobOperations):
    """The operations on training jobs, and how one is run."""

    noun = "Training"
    missing = "Requested resource not found: training job {}"

    def check(self, request: Json) -> None:
        _check(request)
        interpreter(self._settings, request["AlgorithmSpecification"]["TrainingImage"])

    def details(self, job: Job) -> Json:
        seconds = _seconds(job)
        return {
            "ModelArtifacts": {"S3ModelArtifacts": str(_output(job) / "model.tar.gz")},
            "SecondaryStatus": job.secondary,
            "LastModifiedTime": job.modified,
            "SecondaryStatusTransitions": [dict(transition) for transition in job.transitions],
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": seconds,
        }

    def summary(self, job: Job) -> Json:
        return {"SecondaryStatus": job.secondary}

    def launch(self, job: Job) -> Launch:
        algorithm = job.request["AlgorithmSpecification"]
        given = [*algorithm.get("ContainerEntrypoint", ()), *algorithm.get("ContainerArguments", ())]
        return Launch(
            image=algorithm["TrainingImage"],
            words=given if "ContainerEntrypoint" in algorithm else script_words(job.request),
            variables=job.request.get("Environment", {}),
            platform={"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.arn},
            isolated=job.request.get("EnableNetworkIsolation", False),
            seconds=job.request["StoppingCondition"].get("MaxRuntimeInSeconds", DAY),
        )

    def instances(self, job: Job) -> int:
        count: int = job.request["ResourceConfig"].get("InstanceCount", 1)
        return count

    def bring_in(self, job: Job, sandbox: Sandbox) -> None:
        self._runner.move(job, "InProgress", "Downloading")
        names = [host.host for host in sandbox.hosts]
        for place, host in enumerate(sandbox.hosts):
            self._lay(job, host, names, place)

    def _lay(self, job: Job, sandbox: Sandbox, names: list[str], place: int) -> None:
        """What one host finds; of a channel that is sharded by key, its share of the objects."""
        for folder in ("model", "output/data", "input/data", "checkpoints"):
            (sandbox.base / folder).mkdir(parents=True)
        write_training(sandbox, names, job.request)
        for channel in job.request.get("InputDataConfig", []):
            source = channel["DataSource"]["S3DataSource"]
            target = sandbox.base / "input" / "data" / channel["ChannelName"]
            sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
            share = (place, len(names)) if sharded else (0, 1)
            self._buckets.download(source["S3Uri"], source["S3DataType"], target, share=share)
        if "ContainerEntrypoint" not in job.request["AlgorithmSpecification"]:
            lay_script(sandbox, job.request)
        lay_drivers(sandbox)

    def started(self, job: Job) -> None:
        super().started(job)
        self._runner.move(job, "InProgress", "Training")

    def carry_out(self, job: Job, sandbox: Sandbox, ending: Ending) -> Outcome:
        definitions = job.request["AlgorithmSpecification"].get("MetricDefinitions", [])
        metrics = final_metrics(definitions, ending.log, self._settings.clock.now())
        failed = ending.cause is None and ending.exit_code != 0
        for peer in sandbox.hosts[1:]:
            for folder in ("model", "output/data"):
                shutil.copytree(peer.base / folder, sandbox.base / folder, dirs_exist_ok=True)
        if not failed:
            self._runner.move(job, "InProgress", "Uploading")
            self._upload(job, sandbox, "model", "model.tar.gz")
        self._upload(job, sandbox, "output/data", "output.tar.gz")
        with job.lock:
            job.results["FinalMetricDataList"] = metrics or None
        return _outcome(ending, sandbox.hosts[ending.host].base / "output" / "failure")

    def changed(self, job: Job) -> None:
        with job.lock:
            _note_transition(job)
            description = self._description(job)
        self._tell(job, description)

    def _upload(self, job: Job, sandbox: Sandbox, folder: str, name: str) -> None:
        archive = sandbox.root / name
        if not pack(sandbox.base / folder, archive):
            return
        target = _output(job) / name
        self._buckets.upload(archive, target)
        if name == "model.tar.gz":
            with job.lock:
                job.results["ModelArtifacts"] = {"S3ModelArtifacts": str(target)}


def _check(request: Json) -> None:
    """The rules that the model of the API does not hold."""
    missing = [name for name in NEEDED if name not in request]
    if missing:
        raise invalid(f"{', '.join(missing)} must be given for a training job")
    algorithm, resources = request["AlgorithmSpecification"], request["ResourceConfig"]
    if "TrainingImage" not in algorithm:
        raise invalid("AlgorithmSpecification must have TrainingImage")
    if "ContainerEntrypoint" not in algorithm:
        check_script(request)
    if resources.get("InstanceCount", 1) > HOSTS:
        raise not_supported(f"CreateTrainingJob with ResourceConfig.InstanceCount > {HOSTS}")
    _check_spot(request)
    refuse_repeated("Channel names", [channel["ChannelName"] for channel in request.get("InputDataConfig", ())])


def _check_spot(request: Json) -> None:
    limits = request["StoppingCondition"]
    waits, runs = limits.get("MaxWaitTimeInSeconds"), limits.get("MaxRuntimeInSeconds", DAY)
    if not request.get("EnableManagedSpotTraining"):
        if waits is not None:
            raise invalid("MaxWaitTimeInSeconds may only be given when EnableManagedSpotTraining is true")
    elif waits is None or waits < runs:
        raise invalid(
            f"MaxWaitTimeInSeconds ({waits}) must be given and at least MaxRuntimeInSeconds ({runs}) "
            "when EnableManagedSpotTraining is true"
        )


def _note_transition(job: Job) -> None:
    """The caller holds the lock."""
    now = job.modified
    if job.transitions:
        job.transitions[-1]["EndTime"] = now
    transition = {"Status": job.secondary, "StartTime": now, "StatusMessage": SAID[job.secondary]}
    job.transitions.append(transition)
    if job.ended is not None:
        transition["EndTime"] = now


def _outcome(ending: Ending, failure: Path) -> Outcome:
    if ending.cause is Signal.DEADLINE:
        return Outcome("Stopped", "MaxRuntimeExceeded")
    if ending.cause is Signal.STOP:
        return Outcome("Stopped", "Stopped")
    if ending.exit_code == 0:
        return Outcome("Completed", "Completed")
    said = failure.read_text(errors="replace") if failure.is_file() else ""
    return Outcome("Failed", "Failed", algorithm_error(said, ending.exit_code))


def _output(job: Job) -> Location:
    return Location.parse(job.request["OutputDataConfig"]["S3OutputPath"]) / job.name / "output"


def _seconds(job: Job) -> int | None:
    if job.started is None or job.ended is None:
        return None
    return max(1, math.ceil((job.ended - job.started).total_seconds()))
