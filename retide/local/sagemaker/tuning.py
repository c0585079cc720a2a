"""Hyperparameter tuning jobs: ordinary training jobs, some at a time, of which the best is told."""

from __future__ import annotations

import hashlib
import queue
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from retide.local.errors import ApiError, invalid
from retide.local.interfaces import Json, Settings
from retide.local.sagemaker.errors import in_use
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.jobs import Job
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.ranges import Point, Ranges
from retide.local.sagemaker.runner import TERMINAL
from retide.local.sagemaker.store import Arns, Tags
from retide.local.sagemaker.training import TrainingJobs
from retide.local.table import Table

MOST_JOBS: Final = 750
MOST_PARALLEL: Final = 10
TUNED_METRIC: Final = "_tuning_objective_metric"  # AWS adds it to the hyperparameters of every child
COPIED: Final = (
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "Environment",
)


@dataclass(slots=True)
class TuningJob:
    """One tuning job. Only its own thread moves it on; readers take the lock. `children` are as they were begun."""

    name: str
    arn: str
    request: Json
    points: list[Point]
    created: datetime
    modified: datetime
    status: str = "InProgress"
    ended: datetime | None = None
    failure: str | None = None
    stopping: bool = False
    children: list[tuple[Job, Point]] = field(default_factory=list)
    done: Future[None] = field(default_factory=Future)
    lock: threading.RLock = field(default_factory=threading.RLock)
    woken: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)

    @property
    def config(self) -> Json:
        config: Json = self.request["HyperParameterTuningJobConfig"]
        return config

    @property
    def objective(self) -> Json:
        objective: Json = self.config["HyperParameterTuningJobObjective"]
        return objective


class HyperParameterTuningJobs:
    """The operations on tuning jobs, and how one is run."""

    noun: Final = "HyperParameterTuning"

    def __init__(self, settings: Settings, training: TrainingJobs, events: Events, tags: Tags) -> None:
        self._settings = settings
        self._training = training
        self._events = events
        self._tags = tags
        self._arns = Arns(settings)
        self._jobs: Table[TuningJob] = Table()
        self._closed = False

    def create(self, request: Json) -> Json:
        """CreateHyperParameterTuningJob."""
        name, now = request["HyperParameterTuningJobName"], self._settings.clock.now()
        points = _points(request)
        self._training.check(_child(request, "check", points[0]))
        job = TuningJob(name, self._arns.of("hyper-parameter-tuning-job", name), request, points, now, now)
        taken = f"Hyperparameter tuning job names must be unique within an AWS account and region: {job.arn} exists"
        self._jobs.add(name, job, in_use(taken))
        self._tags.start(job.arn, request.get("Tags", ()))
        threading.Thread(target=self._run, args=(job,), name=f"tuning-{name}", daemon=True).start()
        return {"HyperParameterTuningJobArn": job.arn}

    def describe(self, request: Json) -> Json:
        """DescribeHyperParameterTuningJob."""
        job = self.find(request["HyperParameterTuningJobName"])
        with job.lock:
            best = _best(job)
            return {
                **{key: value for key, value in job.request.items() if key != "Tags"},
                **_counted(job),
                "BestTrainingJob": _summary(job, *best) if best else None,
                "FailureReason": job.failure,
            }

    def list(self, request: Json) -> Json:
        """ListHyperParameterTuningJobs."""
        return page("HyperParameterTuningJobSummaries", map(_row, self._jobs.all()), request)

    def children(self, request: Json) -> Json:
        """ListTrainingJobsForHyperParameterTuningJob."""
        job = self.find(request["HyperParameterTuningJobName"])
        if request.get("SortBy") == "FinalObjectiveMetricValue":
            return page("TrainingJobSummaries", _by_value(job), {**request, "SortBy": "CreationTime"})
        return page("TrainingJobSummaries", (_child_row(job, *child) for child in job.children), request)

    def stop(self, request: Json) -> Json:
        """StopHyperParameterTuningJob: so are all of its training jobs that run."""
        job = self.find(request["HyperParameterTuningJobName"])
        with job.lock:
            if job.status in TERMINAL:
                raise invalid(f"The request was rejected because the tuning job {job.name} is {job.status}.")
            job.stopping, job.status, job.modified = True, "Stopping", self._settings.clock.now()
        job.woken.put(None)
        return {}

    def find(self, name: str) -> TuningJob:
        """Raises ResourceNotFound when there is none."""
        missing = ApiError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the name {name}.")
        return self._jobs.find(name, missing)

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True
        for job in self._jobs.all():
            job.woken.put(None)

    def _run(self, job: TuningJob) -> None:
        left = list(enumerate(job.points, start=1))
        running: list[Job] = []
        parallel = job.config["ResourceLimits"]["MaxParallelTrainingJobs"]
        failure = None
        while (left or running) and not self._closed:
            running = [child for child in running if not child.done.done()]
            if job.stopping:
                left = []
                for child in running:
                    with suppress(ApiError):  # it has ended in this very moment
                        self._training.stop({"TrainingJobName": child.name})
            while left and len(running) < parallel and not failure:
                number, point = left.pop(0)
                try:
                    running.append(self._begin(job, number, point))
                except ApiError as error:
                    failure, left = error.message, []
            if running:
                job.woken.get()
        if not self._closed:
            self._end(job, failure)

    def _begin(self, job: TuningJob, number: int, point: Point) -> Job:
        """AWS names children by the tuning job, their number and eight hexadecimal digits."""
        mark = hashlib.sha256(f"{job.arn}/{number}/{job.created.isoformat()}".encode()).hexdigest()[:8]
        name = f"{job.name}-{number:03}-{mark}"
        self._training.create(_child(job.request, name, point))
        child = self._training.find(name)
        with child.lock:
            child.results["TuningJobArn"] = job.arn
        with job.lock:
            job.children.append((child, point))
        child.done.add_done_callback(lambda _: job.woken.put(None))
        return child

    def _end(self, job: TuningJob, failure: str | None) -> None:
        with job.lock:
            if failure is None and not job.stopping and _best(job) is None:
                failure = "No training job of this tuning job has reported its objective metric."
            job.failure = failure
            job.status = "Stopped" if job.stopping else "Failed" if failure else "Completed"
            job.ended = job.modified = self._settings.clock.now()
            description = self.describe({"HyperParameterTuningJobName": job.name})
        self._events.tuning_job(description, self._tags.of(job.arn))
        job.done.set_result(None)


def _points(request: Json) -> list[Point]:
    """What is tried, in its order. Raises ValidationException for what AWS refuses."""
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
    if definition is None or "ParameterRanges" not in config or "HyperParameterTuningJobObjective" not in config:
        raise invalid("TrainingJobDefinition, ParameterRanges and HyperParameterTuningJobObjective must be given")
    ranges, limits = Ranges.parse(config["ParameterRanges"]), config["ResourceLimits"]
    most, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    _check_limits(most, parallel)
    _check_definition(definition, config["HyperParameterTuningJobObjective"]["MetricName"], ranges)
    if config["Strategy"] == "Grid":
        grid = ranges.grid()
        if most not in (None, len(grid)):
            raise invalid(f"The grid has {len(grid)} points, and MaxNumberOfTrainingJobs is {most}: leave it out")
        return grid
    if most is None:
        raise invalid("MaxNumberOfTrainingJobs must be given for the strategy Random")
    generator = random.Random(config.get("RandomSeed"))
    return list(islice(ranges.drawn(generator), most))


def _check_limits(most: int | None, parallel: int) -> None:
    if (most or 1) > MOST_JOBS:
        raise invalid(f"MaxNumberOfTrainingJobs is {most}: at most {MOST_JOBS} are allowed")
    if parallel > MOST_PARALLEL or parallel > (most or parallel):
        raise invalid(
            f"MaxParallelTrainingJobs is {parallel}: at most {MOST_PARALLEL}, and MaxNumberOfTrainingJobs, are allowed"
        )


def _check_definition(definition: Json, metric: str, ranges: Ranges) -> None:
    said = [one["Name"] for one in definition["AlgorithmSpecification"].get("MetricDefinitions", ())]
    if metric not in said:
        raise invalid(f"The objective metric {metric} is none of the MetricDefinitions: {', '.join(said) or 'none'}")
    both = ranges.names & definition.get("StaticHyperParameters", {}).keys()
    if both:
        raise invalid(f"{', '.join(sorted(both))} cannot be both static and tuned")


def _child(request: Json, name: str, point: Point) -> Json:
    """The training job of a point, as CreateTrainingJob takes it."""
    definition = request["TrainingJobDefinition"]
    metric = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    static = definition.get("StaticHyperParameters", {})
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": definition["AlgorithmSpecification"],
        "HyperParameters": {TUNED_METRIC: metric, **static, **point},
        **{member: definition[member] for member in COPIED if member in definition},
    }


def _value(job: TuningJob, child: Job) -> float | None:
    """The child's objective, where it completed and said it."""
    if child.status != "Completed":
        return None
    said: list[Json] = child.results.get("FinalMetricDataList") or []
    wanted = job.objective["MetricName"]
    return next((float(one["Value"]) for one in said if one["MetricName"] == wanted), None)


def _best(job: TuningJob) -> tuple[Job, Point] | None:
    """The first of equals."""
    sign = 1 if job.objective["Type"] == "Maximize" else -1
    scored = [(child, value) for child in job.children if (value := _value(job, child[0])) is not None]
    return max(scored, key=lambda one: sign * one[1])[0] if scored else None


def _summary(job: TuningJob, child: Job, point: Point) -> Json:
    value, objective = _value(job, child), job.objective
    metric = {"MetricName": objective["MetricName"], "Type": objective["Type"], "Value": value}
    pending = "Pending" if child.status not in TERMINAL else "Failed"
    return {
        "TrainingJobName": child.name,
        "TrainingJobArn": child.arn,
        "CreationTime": child.created,
        "TrainingStartTime": child.started,
        "TrainingEndTime": child.ended,
        "TrainingJobStatus": child.status,
        "TunedHyperParameters": point,
        "FailureReason": child.failure,
        "FinalHyperParameterTuningJobObjectiveMetric": None if value is None else metric,
        "ObjectiveStatus": pending if value is None else "Succeeded",
    }


def _child_row(job: TuningJob, child: Job, point: Point) -> Row:
    return Row(child.name, child.created, child.modified, _summary(job, child, point), child.status)


def _by_value(job: TuningJob) -> Iterator[Row]:
    """Children without a value are left out, as AWS does; the least value first."""
    scored = [(value, *child) for child in job.children if (value := _value(job, child[0])) is not None]
    for _, child, point in sorted(scored, key=lambda one: one[0]):
        yield Row(child.name, job.created, child.modified, _summary(job, child, point), child.status)


def _counted(job: TuningJob) -> Json:
    statuses = [child.status for child, _ in job.children]
    values = [_value(job, child) is not None for child, _ in job.children]
    ended = sum(status in TERMINAL for status in statuses)
    return {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "CreationTime": job.created,
        "HyperParameterTuningEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "TrainingJobStatusCounters": {
            "Completed": statuses.count("Completed"),
            "InProgress": len(statuses) - ended,
            "RetryableError": 0,
            "NonRetryableError": statuses.count("Failed"),
            "Stopped": statuses.count("Stopped"),
        },
        "ObjectiveStatusCounters": {
            "Succeeded": sum(values),
            "Pending": len(statuses) - ended,
            "Failed": ended - sum(values),
        },
    }


def _row(job: TuningJob) -> Row:
    with job.lock:
        summary: dict[str, Any] = {
            **_counted(job),
            "Strategy": job.config["Strategy"],
            "ResourceLimits": job.config["ResourceLimits"],
        }
    return Row(job.name, job.created, job.modified, summary, job.status)
