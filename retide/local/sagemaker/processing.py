"""Processing jobs: inputs in, outputs out at the end, an exit message."""

from __future__ import annotations

from typing import Final

from retide.local.errors import invalid, refuse_repeated
from retide.local.interfaces import Json
from retide.local.sagemaker.configuration import write_processing
from retide.local.sagemaker.container import Sandbox, interpreter
from retide.local.sagemaker.errors import not_supported
from retide.local.sagemaker.jobs import DAY, Ending, Job, Launch, Outcome, algorithm_error
from retide.local.sagemaker.operations import JobOperations

MESSAGE_CHARACTERS: Final = 1024
PREFIX: Final = "/opt/ml/processing"


class ProcessingJobs(JobOperations):
    """The operations on processing jobs, and how one is run."""

    noun = "Processing"
    missing = "Could not find requested job with name: {}"

    def check(self, request: Json) -> None:
        _check(request)
        interpreter(self._settings, request["AppSpecification"]["ImageUri"])

    def details(self, job: Job) -> Json:
        return {"LastModifiedTime": job.modified}

    def summary(self, job: Job) -> Json:
        return {"FailureReason": job.failure, "ExitMessage": job.results.get("ExitMessage")}

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
    refuse_repeated("Names of inputs and outputs", names)


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
