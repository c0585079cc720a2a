"""Count what a storm and a batch of files start: by one event, one execution; by names made of keys; and by Retide.

    python -m benchmarks.arrivals [--versions 200] [--copies 10] [--batch 500] [--json FILE]

All three stand on one local cloud and hear of the very same events. The storm is so many versions under fewer names
(a corrected file keeps its name), each event delivered `copies` times; the batch is a folder of files, then its marker.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import boto3
from boto3.dynamodb.conditions import Key
from rich.console import Console
from rich.table import Table

from benchmarks.arrivals_naive import EACH, NAMED, STACK, template
from benchmarks.loop import IMAGES, cdk
from retide.demo.data import tumour_rows
from retide.domain.layout import ObjectVersion
from retide.local.cloud import LocalCloud, Running

MODEL: Final = "tumour"
ONE_EACH: Final = "one event, one execution"
BY_KEY: Final = "execution named by its key"
RETIDE: Final = "Retide"
KEYS_IN_VERSIONS: Final = 0.4  # as many names as that share of the versions
PATIENCE_SECONDS: Final = 1200.0
QUIET_LOOKS: Final = 8  # a quarter of a second apart, without anything new


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of one design: the object versions that it took, by their ids, and whether it trains."""

    versions: frozenset[str]
    trains: bool


type Executions = dict[str, list[Execution]]
"""By design, oldest first."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one design made of one case: its executions, those that train, and the versions that none of them took."""

    executions: int
    trainings: int
    missed: int


@dataclass(frozen=True, slots=True)
class Case:
    """`counts` by design; `early` are executions that were started before the last file was there, by design."""

    name: str
    versions: int
    deliveries: int
    counts: dict[str, Count]
    early: dict[str, int]


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        cloud = LocalCloud(Path(folder) / "cloud", IMAGES, bound=True)
        try:
            designs = Designs(_deployed(cloud.start(), folder))
            cases = [designs.storm(options.versions, options.copies), designs.batch(options.batch)]
        finally:
            cloud.stop()
    _print(cases)
    if options.json:
        options.json.write_text(json.dumps([asdict(case) for case in cases], indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=200, help="object versions of the storm")
    parser.add_argument("--copies", type=int, default=10, help="how often each of its events is delivered")
    parser.add_argument("--batch", type=int, default=500, help="files of the batch")
    parser.add_argument("--json", type=Path, help="where to write every single figure")
    return parser.parse_args()


def _deployed(running: Running, folder: str) -> Running:
    cdk(running, "bootstrap", f"aws://{running.account}/{running.region}", "--app", "")
    cdk(running, "deploy", "--all", "--require-approval", "never", "--output", f"{folder}/cdk.out")
    return running


class Designs:
    """Three designs on one bucket, seen from outside through plain clients."""

    def __init__(self, running: Running) -> None:
        self._running = running
        keys = running.environment()
        self._session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], None, running.region)
        self._rows = tumour_rows()
        self._deploy_naive()
        self._outputs = self._all_outputs()

    def _all_outputs(self) -> dict[str, str]:
        stacks = self._client("cloudformation").describe_stacks()["Stacks"]
        return {out["OutputKey"]: out["OutputValue"] for stack in stacks for out in stack.get("Outputs", [])}

    def _deploy_naive(self) -> None:
        formation, body = self._client("cloudformation"), template(self._all_outputs()["DataBucket"])
        formation.create_stack(StackName=STACK, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        formation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})

    def storm(self, versions: int, copies: int) -> Case:
        """Versions under fewer names, each event delivered so many times."""
        names = max(1, round(versions * KEYS_IN_VERSIONS))
        if copies > 1:
            self._running.inject("delivery", "duplicate", contains="/storm-", copies=copies - 1, times=0)
        before = self._counted()
        sent = self._put([f"storm-{number % names}.csv" for number in range(versions)])
        after = self._at_rest()
        self._running.clear_faults()
        return self._case("storm", sent, versions * copies, before, after, {})

    def batch(self, files: int) -> Case:
        """A folder of files, all delivered once, and its marker only when everything has been taken in."""
        before = self._counted()
        sent = self._put([f"day/{number}.csv" for number in range(files)])
        whole = self._at_rest()
        early = {design: len(whole[design]) - len(before[design]) for design in whole}
        bucket = self._outputs["DataBucket"]
        self._client("s3").put_object(Bucket=bucket, Key=f"incoming/{MODEL}/day/_SUCCESS", Body=b"")
        return self._case("batch", sent, files + 1, before, self._at_rest(), early)

    def _case(
        self,
        name: str,
        sent: frozenset[str],
        deliveries: int,
        before: Executions,
        after: Executions,
        early: dict[str, int],
    ) -> Case:
        counts = {}
        for design, known in after.items():
            new = known[len(before[design]) :]
            taken = {version for execution in new for version in execution.versions}
            counts[design] = Count(len(new), sum(execution.trains for execution in new), len(sent - taken))
        return Case(name, len(sent), deliveries, counts, early)

    def _put(self, names: Sequence[str]) -> frozenset[str]:
        """Two rows in every file, and no row twice; the ids of the versions."""
        bucket, sent = self._outputs["DataBucket"], set()
        for number, name in enumerate(names):
            lines = [self._rows[(2 * number + place) % len(self._rows)] for place in range(2)]
            unique = [{**line, "sample_id": f"{name}-{number}-{place}"} for place, line in enumerate(lines)]
            body = "\n".join([",".join(unique[0]), *(",".join(map(str, line.values())) for line in unique)])
            key = f"incoming/{MODEL}/{name}"
            answer = self._client("s3").put_object(Bucket=bucket, Key=key, Body=f"{body}\n".encode())
            sent.add(ObjectVersion(key, answer["VersionId"]).id)
        return frozenset(sent)

    def _at_rest(self) -> Executions:
        """All executions, once nobody has anything left to do; those of the others end as soon as they start."""
        looks = 0

        def quiet() -> bool:
            nonlocal looks
            looks = 0 if self._moves() else looks + 1
            return looks >= QUIET_LOOKS

        _until(quiet)
        return self._counted()

    def _moves(self) -> bool:
        heads = [item.get("owner") for item in (*self._items("head"), *self._items("endpoint"))]
        queues = (self._outputs[name] for name in ("ArrivalsQueueUrl", "NaiveQueueUrl"))
        return any(heads) or bool(self._items("pending#")) or any(map(self._queued, queues))

    def _queued(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def _counted(self) -> Executions:
        runs = [
            Execution(frozenset(run.get("objects", [])), bool(run.get("job")))
            for run in self._items("run#")
            if run["state"] == "ended"
        ]
        return {ONE_EACH: self._naive(EACH), BY_KEY: self._naive(NAMED), RETIDE: runs}

    def _naive(self, machine: str) -> list[Execution]:
        """Each of them would train on the one object that it was started for; oldest first."""
        machines, found = self._client("stepfunctions"), []
        arn = f"arn:aws:states:{self._running.region}:{self._running.account}:stateMachine:{machine}"
        for page in machines.get_paginator("list_executions").paginate(stateMachineArn=arn):
            for execution in page["executions"]:
                said = json.loads(machines.describe_execution(executionArn=execution["executionArn"])["input"])
                item = said["detail"]["object"] if "detail" in said else said
                found.append(Execution(frozenset([ObjectVersion(item["key"], item["version-id"]).id]), trains=True))
        return found[::-1]

    def _items(self, prefix: str) -> list[dict[str, Any]]:
        condition: Any = Key("pk").eq(f"model#{MODEL}") & Key("sk").begins_with(prefix)
        resource = self._session.resource("dynamodb", endpoint_url=self._running.endpoint_url)
        pages = resource.meta.client.get_paginator("query").paginate(
            TableName=self._outputs["LedgerTable"], KeyConditionExpression=condition, ConsistentRead=True
        )
        return [item for page in pages for item in page["Items"]]

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._running.endpoint_url)  # type: ignore[call-overload]


def _until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise SystemExit("the stage did not come to rest in time: see the local cloud's log")
        time.sleep(0.25)


def _print(cases: Sequence[Case]) -> None:
    for case in cases:
        title = f"{case.name}: {case.versions} object versions, {case.deliveries} deliveries"
        table = Table(
            "design", "executions", "training jobs", "versions never taken", title=title, title_justify="left"
        )
        if case.early:
            table.add_column("of executions, too early")
        for design, count in case.counts.items():
            early = [str(case.early[design])] if case.early else []
            table.add_row(design, str(count.executions), str(count.trainings), str(count.missed), *early)
        Console().print(table)


if __name__ == "__main__":
    main()
