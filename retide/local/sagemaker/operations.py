"""The operations that SageMaker has for every kind of job, and what any job tells of itself."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from retide.local.errors import invalid
from retide.local.interfaces import Json, Settings
from retide.local.processes import Registry
from retide.local.sagemaker.buckets import Buckets
from retide.local.sagemaker.errors import in_use
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.jobs import Job, Kind
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.runner import Runner
from retide.local.sagemaker.store import Arns, Tags
from retide.local.shapes import members
from retide.local.table import Table


class JobOperations(Kind):
    """The operations on the jobs of one kind, which a subclass names and brings to the runner."""

    missing: ClassVar[str]
    """AWS's words for a job that there is not, with {} for its name."""

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

    @abstractmethod
    def check(self, request: Json) -> None:
        """Refuse what the model of the API lets pass. Raises ApiError."""

    @abstractmethod
    def details(self, job: Job) -> Json:
        """What Describe says of this kind only; the caller holds the job's lock."""

    @abstractmethod
    def summary(self, job: Job) -> Json:
        """What List says of this kind only."""

    def create(self, request: Json) -> Json:
        """CreateTrainingJob and its like."""
        self.check(request)
        kind, name, now = self.noun.lower(), self._name(request), self._settings.clock.now()
        job = Job(name, self._arns.of(f"{kind}-job", name), request, now, now)
        taken = f"and a {kind} job with this name already exists ({job.arn})"
        self._jobs.add(name, job, in_use(f"Job name must be unique within an AWS account and region, {taken}"))
        self._tags.start(job.arn, request.get("Tags", ()))
        self._runner.start(job)
        return {f"{self.noun}JobArn": job.arn}

    def describe(self, request: Json) -> Json:
        """DescribeTrainingJob and its like."""
        return self._description(self.find(self._name(request)))

    def stop(self, request: Json) -> Json:
        """StopTrainingJob and its like."""
        self._runner.stop(self.find(self._name(request)))
        return {}

    def delete(self, request: Json) -> Json:
        """DeleteTrainingJob and its like: an ended job is forgotten, and its name is free again."""
        job = self.find(self._name(request))
        self._runner.forget(job)
        self._jobs.remove(job.name)
        self._tags.forget(job.arn)
        return {}

    def list(self, request: Json) -> Json:
        """ListTrainingJobs and its like."""
        return page(f"{self.noun}JobSummaries", map(self._row, self._jobs.all()), request)

    def find(self, name: str) -> Job:
        """Raises ValidationException when there is none."""
        return self._jobs.find(name, invalid(self.missing.format(name)))

    def close(self) -> None:
        """Kill what still runs."""
        self._runner.close()

    def started(self, job: Job) -> None:
        with job.lock:
            job.started = self._settings.clock.now()

    def changed(self, job: Job) -> None:
        self._tell(job, self._description(job))

    def _tell(self, job: Job, description: Json) -> None:
        self._events.job(self.noun, description, self._tags.of(job.arn))

    def _name(self, request: Json) -> str:
        name: str = request[f"{self.noun}JobName"]
        return name

    def _description(self, job: Job) -> Json:
        repeated = members("sagemaker", f"Describe{self.noun}Job", "output")
        with job.lock:
            return {
                **{key: value for key, value in job.request.items() if key in repeated},
                f"{self.noun}JobArn": job.arn,
                f"{self.noun}JobStatus": job.status,
                "FailureReason": job.failure,
                "CreationTime": job.created,
                f"{self.noun}StartTime": job.started,
                f"{self.noun}EndTime": job.ended,
                **self.details(job),
                **job.results,
            }

    def _row(self, job: Job) -> Row:
        summary = {
            f"{self.noun}JobName": job.name,
            f"{self.noun}JobArn": job.arn,
            "CreationTime": job.created,
            f"{self.noun}EndTime": job.ended,
            "LastModifiedTime": job.modified,
            f"{self.noun}JobStatus": job.status,
            **self.summary(job),
        }
        return Row(job.name, job.created, job.modified, summary, job.status)
