"""Processing jobs: inputs in, outputs out at the end, an exit message."""

from __future__ import annotations

from typing import Any, Final

from retide.local.interfaces import Json, Settings
from retide.local.processes import Registry
from retide.local.sagemaker.buckets import Buckets
from retide.local.sagemaker.configuration import write_processing
from retide.local.sagemaker.container import Sandbox, interpreter
from retide.local.sagemaker.errors import in_use, invalid, not_supported
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.jobs import Ending, Job, Launch, Outcome, Runner, algorithm_error, shared_members
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.shapes import members
from retide.local.sagemaker.store import Arns, Table, Tags

DAY: Final = 86_400
MESSAGE_CHARACTERS: Final = 1024
PREFIX: Final = "/opt/ml/processing"


class ProcessingJobs:
    """The operations on processing jobs, and the kind of job that a Runner runs for them."""

    folder = "processing"
    log_group = "/aws/sagemaker/ProcessingJobs"

    def __init__(
        self, settings: Settings, registry: Registry, buckets: Buckets, logs: Any, events: Events, tags: Tags
    ) -> None:
        self._settings = settings
        self._buckets = buckets
        self._events = events
        self._tags = tags
        self._arns = Arns(settings)
        self._jobs: Table[Job] = Table()
        self._runner = Runner(settings, registry, logs, self)

    def create(self, request: Json) -> Json:
        """CreateProcessingJob."""
        _check(request)
        interpreter(self._settings, request["AppSpecification"]["ImageUri"])
        name, now = request["ProcessingJobName"], self._settings.clock.now()
        job = Job(name, self._arns.of("processing-job", name), request, now, now)
        taken = f"and a processing job with this name already exists ({job.arn})"
        self._jobs.add(name, job, in_use(f"Job name must be unique within an AWS account and region, {taken}"))
        self._tags.start(job.arn, request.get("Tags", ()))
        self._runner.start(job)
        return {"ProcessingJobArn": job.arn}

    def describe(self, request: Json) -> Json:
        """DescribeProcessingJob."""
        return self._description(self.find(request["ProcessingJobName"]))

    def stop(self, request: Json) -> Json:
        """StopProcessingJob."""
        self._runner.stop(self.find(request["ProcessingJobName"]))
        return {}

    def delete(self, request: Json) -> Json:
        """DeleteProcessingJob: an ended job is forgotten, and its name is free again."""
        job = self.find(request["ProcessingJobName"])
        self._runner.forget(job)
        self._jobs.remove(job.name)
        self._tags.forget(job.arn)
        return {}

    def list(self, request: Json) -> Json:
        """ListProcessingJobs."""
        return page("ProcessingJobSummaries", (_row(job) for job in self._jobs.all()), request)

    def find(self, name: str) -> Job:
        """Raises ValidationException when there is none."""
        return self._jobs.find(name, invalid(f"Could not find requested job with name: {name}"))

    def close(self) -> None:
        self._runner.close()

    def launch(self, job: Job) -> Launch:
        application = job.request["AppSpecification"]
        return Launch(
            image=application["ImageUri"],
            words=[*application["ContainerEntrypoint"], *application.get("ContainerArguments", ())],
            variables=job.request.get("Environment", {}),
            platform={"PROCESSING_JOB_NAME": job.name, "PROCESSING_JOB_ARN": job.arn},
            isolated=job.request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
            seconds=job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DAY),
        )

    def bring_in(self, job: Job, sandbox: Sandbox) -> None:
        for folder in ("config", "output", "processing"):
            (sandbox.base / folder).mkdir()
        write_processing(sandbox.base, job.arn, job.request)
        for output in _outputs(job):
            sandbox.path(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        for given in job.request.get("ProcessingInputs", ()):
            source = given["S3Input"]
            self._buckets.download(source["S3Uri"], source["S3DataType"], sandbox.path(source["LocalPath"]))

    def started(self, job: Job) -> None:
        with job.lock:
            job.started = self._settings.clock.now()

    def carry_out(self, job: Job, sandbox: Sandbox, ending: Ending) -> Outcome:
        message = sandbox.base / "output" / "message"
        said = message.read_text(errors="replace")[:MESSAGE_CHARACTERS] if message.is_file() else None
        with job.lock:
            job.results["ExitMessage"] = said
        if ending.cause is not None:
            return Outcome("Stopped", "Stopped")
        if ending.exit_code != 0:
            return Outcome("Failed", "Failed", algorithm_error(said or "", ending.exit_code))
        for output in _outputs(job):
            target = output["S3Output"]
            self._buckets.upload_folder(sandbox.path(target["LocalPath"]), target["S3Uri"])
        return Outcome("Completed", "Completed")

    def changed(self, job: Job) -> None:
        self._events.processing_job(self._description(job), self._tags.of(job.arn))

    def _description(self, job: Job) -> Json:
        with job.lock:
            return {
                **shared_members(job.request, members("DescribeProcessingJob", "output")),
                "ProcessingJobArn": job.arn,
                "ProcessingJobStatus": job.status,
                "FailureReason": job.failure,
                "CreationTime": job.created,
                "ProcessingStartTime": job.started,
                "ProcessingEndTime": job.ended,
                "LastModifiedTime": job.modified,
                **job.results,
            }


def _check(request: Json) -> None:
    """The rules that the model of the API does not hold."""
    if "ContainerEntrypoint" not in request["AppSpecification"]:
        raise not_supported("CreateProcessingJob without AppSpecification.ContainerEntrypoint")
    if request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1) != 1:
        raise not_supported("CreateProcessingJob with ProcessingResources.ClusterConfig.InstanceCount > 1")
    inputs = [("S3Input", given) for given in request.get("ProcessingInputs", ())]
    outputs = [("S3Output", given) for given in request.get("ProcessingOutputConfig", {}).get("Outputs", ())]
    for member, given in inputs + outputs:
        _check_place(member, given)
    names = [given.get("InputName", given.get("OutputName")) for _, given in inputs + outputs]
    if len(names) != len(set(names)):
        raise invalid(f"Names of inputs and outputs must be unique: {', '.join(map(str, names))}")


def _check_place(member: str, given: Json) -> None:
    name = given.get("InputName", given.get("OutputName"))
    if member not in given:
        raise invalid(f"{name} must have {member}")
    place = given[member].get("LocalPath", "")
    if not (place == PREFIX or place.startswith(f"{PREFIX}/")) or ".." in place.split("/"):
        raise invalid(f"The LocalPath of {name} must begin with {PREFIX}, not {place!r}")


def _outputs(job: Job) -> list[Json]:
    outputs: list[Json] = job.request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


def _row(job: Job) -> Row:
    summary = {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "CreationTime": job.created,
        "ProcessingEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "ProcessingJobStatus": job.status,
        "FailureReason": job.failure,
        "ExitMessage": job.results.get("ExitMessage"),
    }
    return Row(job.name, job.created, job.modified, summary, job.status)
