"""Transform jobs: a model's container is started, asked file by file, and ended."""

from __future__ import annotations

from typing import Any, Final

from retide.local.errors import invalid
from retide.local.interfaces import Json, Settings
from retide.local.processes import Registry
from retide.local.sagemaker.buckets import Buckets
from retide.local.sagemaker.container import Sandbox
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.jobs import DAY, Ending, Job, Launch, Outcome, Signal
from retide.local.sagemaker.models import Models
from retide.local.sagemaker.operations import JobOperations
from retide.local.sagemaker.store import Tags
from retide.local.sagemaker.transform.paths import Path
from retide.local.sagemaker.transform.runner import TransformRunner

LARGEST_MB: Final = 100
USUAL_MB: Final = 6
SEE_LOG: Final = "ClientError: See job logs for more information"
JOINED: Final = ("text/csv", "application/json", "application/jsonlines")


class TransformJobs(JobOperations):
    """The operations on transform jobs."""

    noun = "Transform"
    missing = "Could not find requested job with name: {}"

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        buckets: Buckets,
        logs: Any,
        events: Events,
        tags: Tags,
        *,
        models: Models,
    ) -> None:
        super().__init__(settings, registry, buckets, logs, events, tags)
        self._models = models
        self._runner = TransformRunner(settings, registry, logs, self, buckets=buckets, models=models)

    def check(self, request: Json) -> None:
        self._models.find(request["ModelName"])
        _check_payload(request)
        _check_processing(request)
        if request["TransformResources"]["InstanceCount"] != 1:
            raise invalid("The local cloud runs a transform job on one instance")

    def details(self, _job: Job) -> Json:
        return {}

    def summary(self, job: Job) -> Json:
        return {"FailureReason": job.failure}

    def bring_in(self, _job: Job, _sandbox: Sandbox) -> None:
        """Nothing: what is transformed is read file by file."""

    def launch(self, job: Job) -> Launch:
        model = self._models.find(job.request["ModelName"]).request
        container = model["PrimaryContainer"]
        given = container.get("Environment", {}) | job.request.get("Environment", {})
        platform = {"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(payload_mb(job.request))}
        return Launch(container["Image"], (), given, platform, model.get("EnableNetworkIsolation", False), DAY)

    def carry_out(self, _job: Job, _sandbox: Sandbox, ending: Ending) -> Outcome:
        if ending.cause is Signal.STOP:
            return Outcome("Stopped", "Stopped")
        if ending.exit_code:
            return Outcome("Failed", "Failed", SEE_LOG)
        return Outcome("Completed", "Completed")


def payload_mb(request: Json) -> int:
    return int(request.get("MaxPayloadInMB", USUAL_MB))


def _check_payload(request: Json) -> None:
    at_once, size = request.get("MaxConcurrentTransforms") or 1, payload_mb(request)
    if size > LARGEST_MB or at_once * size > LARGEST_MB:
        raise invalid(
            f"MaxConcurrentTransforms * MaxPayloadInMB must be at most {LARGEST_MB} MB, and is {at_once * size} MB"
        )
    split = request["TransformInput"].get("SplitType", "None")
    if request.get("BatchStrategy") == "SingleRecord" and split == "None":
        raise invalid("BatchStrategy SingleRecord needs a SplitType")


def _check_processing(request: Json) -> None:
    processing = request.get("DataProcessing", {})
    for member in ("InputFilter", "OutputFilter"):
        Path.parse(processing.get(member, "$"))
    source, target = request["TransformInput"], request["TransformOutput"]
    if processing.get("JoinSource", "None") == "None":
        return
    split, assembled = source.get("SplitType", "None"), target.get("AssembleWith", "None")
    if split != assembled:
        raise invalid(f"To join the source, AssembleWith ({assembled}) must be the SplitType ({split})")
    kinds = [
        text.partition(";")[0].strip().lower() for text in (source.get("ContentType", ""), target.get("Accept", ""))
    ]
    if kinds[0] not in JOINED or kinds[1] != kinds[0]:
        raise invalid(
            f"To join the source, ContentType and Accept must be the same of {', '.join(JOINED)}, not {kinds}"
        )
