"""Read from an account what no local cloud can show: cold starts, file systems, permissions, quotas."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import median
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from retide.cli.stage import Stage
from retide.demo.checks import golden

INIT: Final = re.compile(r"Init Duration: ([\d.]+) ms")
COMPLAINTS: Final = re.compile(r"(?i)read-only file system|permission denied|no space left|errno")
QUOTAS: Final = re.compile(r"(?i)^ml\.m5\.large for (training|processing) job usage$|serverless")
ROUNDS: Final = 10
LINES: Final = 2000


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the report; `seen` says why where something could not be read."""

    what: str
    seen: str


@dataclass(frozen=True, slots=True)
class Account:
    session: boto3.Session
    stage: Stage
    model: str
    since: datetime

    def measures(self) -> Iterator[Measure]:
        readings: tuple[tuple[str, Callable[[], str]], ...] = (
            ("endpoint, 20 rows, over the network", self._answers),
            ("endpoint's own set-up (cold start)", self._setup),
            ("functions' cold starts", self._inits),
            ("serving container's file system", self._files),
            ("permissions refused", self._refusals),
            ("quotas", self._quotas),
        )
        for what, reading in readings:
            yield Measure(what, _readable(reading))

    def _answers(self) -> str:
        times = [_timed(lambda: golden(self.stage, self.model)) for _ in range(ROUNDS)]
        return f"first {times[0] * 1000:.0f} ms, median of {ROUNDS} {median(times) * 1000:.0f} ms"

    def _setup(self) -> str:
        """ModelSetupTime is what a serverless endpoint says of starting a new container, in microseconds."""
        name = self.stage.endpoint(self.model)
        endpoint = self.stage.clients.sagemaker.describe_endpoint(EndpointName=name)
        variant = endpoint["ProductionVariants"][0]["VariantName"]
        found = self.session.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="ModelSetupTime",
            Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": variant}],
            StartTime=self.since,
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600,
            Statistics=["Maximum"],
        )["Datapoints"]
        return f"at most {max(point['Maximum'] for point in found) / 1e6:.1f} s" if found else "no figure yet"

    def _inits(self) -> str:
        inits = [float(found[1]) for line in self._function_lines('"Init Duration"') if (found := INIT.search(line))]
        return (
            f"{len(inits)}, at most {max(inits):.0f} ms, median {median(inits):.0f} ms" if inits else "no report found"
        )

    def _files(self) -> str:
        group = f"/aws/sagemaker/Endpoints/{self.stage.endpoint(self.model)}"
        lines = list(self._lines(group, ""))
        found = [line.strip() for line in lines if COMPLAINTS.search(line)]
        return f"{len(found)} complaints in {len(lines)} lines{f'; first: {found[0][:200]}' if found else ''}"

    def _refusals(self) -> str:
        found = list(self._function_lines("AccessDenied"))
        return f"{len(found)}; first: {found[0].strip()[:200]}" if found else "none in the functions' logs"

    def _quotas(self) -> str:
        pages = self.session.client("service-quotas").get_paginator("list_service_quotas")
        quotas = (quota for page in pages.paginate(ServiceCode="sagemaker") for quota in page["Quotas"])
        found = [f"{quota['QuotaName']}: {quota['Value']:g}" for quota in quotas if QUOTAS.search(quota["QuotaName"])]
        return "\n".join(found) or "none of those that matter here is listed"

    def _function_lines(self, pattern: str) -> Iterator[str]:
        groups = self._logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePattern=f"retide-{self.stage.name}-"
        )
        for page in groups:
            for group in page["logGroups"]:
                yield from self._lines(group["logGroupName"], pattern)

    def _lines(self, group: str, pattern: str) -> Iterator[str]:
        start = int(self.since.timestamp() * 1000)
        wanted: dict[str, Any] = {"logGroupName": group, "startTime": start}
        pages = self._logs.get_paginator("filter_log_events").paginate(
            **(wanted | {"filterPattern": pattern} if pattern else wanted)
        )
        return islice((event["message"] for page in pages for event in page["events"]), LINES)

    @property
    def _logs(self) -> Any:
        return self.session.client("logs")


def _readable(reading: Callable[[], str]) -> str:
    """A figure that the account does not give is a line of the report, not the end of it."""
    try:
        return reading()
    except (ClientError, BotoCoreError) as error:
        return f"cannot be read: {' '.join(str(error).split())[:200]}"


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
