"""A deployed stage as its users see it: plain boto3 clients, the ledger's items as they lie there, and patience."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.dynamodb.conditions import Key

from retide.aws.runtime import SystemClock
from retide.aws.table import DynamoTable
from retide.domain.layout import ObjectVersion
from retide.ledger import Ledger
from tests.patience import SLACK, while_it_moves

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.1
type Item = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """Reads and writes what a producer, an application and an operator of one deployed stage can reach."""

    session: boto3.Session
    endpoint_url: str
    name: str = "dev"

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def outputs(self) -> dict[str, str]:
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {out["OutputKey"]: out["OutputValue"] for stack in stacks for out in stack.get("Outputs", [])}

    @cached_property
    def bucket(self) -> str:
        return self.outputs()["DataBucket"]

    @cached_property
    def table(self) -> Any:
        return self.session.resource("dynamodb", endpoint_url=self.endpoint_url).Table(self.outputs()["LedgerTable"])

    def ledger(self) -> Ledger:
        return Ledger(DynamoTable(self.client("dynamodb"), self.outputs()["LedgerTable"]), SystemClock())

    # ------------------------------------------------------------ what a producer does

    def put(self, key: str, data: bytes) -> ObjectVersion:
        """An ordinary PutObject."""
        answer = self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=data)
        return ObjectVersion(key, answer["VersionId"])

    def push(self, model: str, path: Path, name: str | None = None) -> ObjectVersion:
        return self.put(f"incoming/{model}/{name or path.name}", path.read_bytes())

    def copy_package(self, arn: str) -> str:
        """One more version of a package, with the same content and no decision; its ARN."""
        known = self.client("sagemaker").describe_model_package(ModelPackageName=arn)
        same = ("ModelPackageGroupName", "InferenceSpecification", "CustomerMetadataProperties")
        content = {name: known[name] for name in same}
        made = self.client("sagemaker").create_model_package(ModelApprovalStatus="PendingManualApproval", **content)
        return str(made["ModelPackageArn"])

    # ------------------------------------------------------------ what who approves does

    def subscribe(self) -> str:
        """A mailbox, here a queue, for the stage's notices; its address."""
        queue = self.client("sqs").create_queue(QueueName="mailbox")["QueueUrl"]
        asked = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        arn, topic = asked["Attributes"]["QueueArn"], self.outputs()["NoticesTopicArn"]
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return str(queue)

    def links(self, mailbox: str) -> tuple[str, str]:
        """Those that approve and reject, from the first notice that has some."""

        def found() -> list[str]:
            read = self.client("sqs").receive_message(QueueUrl=mailbox, MaxNumberOfMessages=10).get("Messages", [])
            texts = [json.loads(message["Body"])["Message"] for message in read]
            return [link for text in texts for link in re.findall(r"https?://\S+token=\S+", text)]

        approve, reject = self._in_time("orchard", found, "a notice with links")
        return approve, reject

    def follow(self, link: str, method: str = "GET") -> tuple[int, str]:
        """Status and page."""
        parts = urlsplit(link)
        with closing(HTTPConnection(parts.netloc, timeout=30 * SLACK)) as connection:
            connection.request(method, f"{parts.path}?{parts.query}")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def approval(self, run: Item) -> str:
        described = self.client("sagemaker").describe_model_package(ModelPackageName=run["package"])
        return str(described["ModelApprovalStatus"])

    # ------------------------------------------------------------ what an operator does

    def reconcile(self) -> Item:
        done = self._invoke(self.outputs()["ReconcileFunction"], {})
        assert "errorType" not in done, done
        return done

    def invoke_function(self, step: str, payload: Item) -> Item:
        """What the function of a step answers, or its error."""
        listed = self.client("lambda").get_paginator("list_functions").paginate()
        names = [function["FunctionName"] for page in listed for function in page["Functions"]]
        (name,) = [name for name in names if f"-{step}Function" in name]
        return self._invoke(name, payload)

    def _invoke(self, name: str, payload: Item) -> Item:
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload))
        done: Item = json.loads(answer["Payload"].read())
        return done

    # ------------------------------------------------------------ what anybody can look up

    def ended(self, execution: str) -> bool:
        status = self.client("stepfunctions").describe_execution(executionArn=execution)["status"]
        return bool(status != "RUNNING")

    def items(self, model: str, prefix: str) -> list[Item]:
        condition = Key("pk").eq(f"model#{model}") & Key("sk").begins_with(prefix)
        pages = self.table.meta.client.get_paginator("query").paginate(
            TableName=self.table.name, KeyConditionExpression=condition, ConsistentRead=True
        )
        return [item for page in pages for item in page["Items"]]

    def item(self, model: str, key: str) -> Item:
        return next((item for item in self.items(model, key) if item["sk"] == key), {})

    def read(self, key: str) -> Any:
        return json.loads(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def jobs(self, model: str) -> list[str]:
        """Names of the model's training jobs, oldest first."""
        pages = self.client("sagemaker").get_paginator("list_training_jobs")
        listed = pages.paginate(NameContains=f"{model}-", SortOrder="Ascending")
        return [job["TrainingJobName"] for page in listed for job in page["TrainingJobSummaries"]]

    def versions(self, prefix: str) -> list[ObjectVersion]:
        """Every version that S3 holds below a prefix."""
        listed = self.client("s3").get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        return [ObjectVersion(item["Key"], item["VersionId"]) for page in listed for item in page.get("Versions", [])]

    def served(self, model: str) -> int:
        """The package version that the ledger says is deployed; 0 for none."""
        return int(self.item(model, "endpoint").get("version", 0))

    def invoke(self, model: str, body: Any, endpoint: str = "") -> Any:
        """The serverless endpoint of the model, or the one that is named."""
        name = endpoint or f"retide-{self.name}-{model}"
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, ContentType="application/json", Body=json.dumps(body)
        )
        return json.loads(answer["Body"].read())

    def packages(self, model: str, status: str | None = None) -> list[str]:
        """ARNs of the model's packages, oldest first; with `status` those that have it."""
        chosen = {"ModelApprovalStatus": status} if status else {}
        pages = self.client("sagemaker").get_paginator("list_model_packages")
        listed = pages.paginate(ModelPackageGroupName=f"retide-{self.name}-{model}", SortOrder="Ascending", **chosen)
        return [package["ModelPackageArn"] for page in listed for package in page["ModelPackageSummaryList"]]

    def rests(self, model: str) -> bool:
        """Whether nothing of the model is on its way: no message, no run, no rollout, nothing that waits."""
        heads = [self.item(model, name).get("owner") for name in ("head", "endpoint")]
        return not any(heads) and not any(self._queued()) and not self._waits(model)

    def _waits(self, model: str) -> bool:
        """Whether a run is to come. New code alone waits for data."""
        wishes = self.items(model, "wanted#")
        return bool(self.items(model, "pending#") or [wish for wish in wishes if wish["cause"] != "code"])

    def progress(self, model: str) -> object:
        """What changes while anything happens to the model: as long as it does, patience is due."""
        places = [self.item(model, name) for name in ("head", "endpoint")]
        lengths = [len(self.items(model, prefix)) for prefix in ("pending#", "held#")]
        return [(place.get("owner"), str(place.get("token"))) for place in places], lengths, self._queued()

    def serves_the_newest(self, model: str) -> bool:
        """Whether the newest approved package is deployed, or there is none."""
        newest = self.packages(model, "Approved")[-1:]
        return not newest or self.served(model) == int(newest[0].rpartition("/")[2])

    def _queued(self) -> tuple[int, ...]:
        """How many messages wait, and how many are being looked at."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client("sqs").get_queue_attributes(QueueUrl=self._queue, AttributeNames=names)
        return tuple(int(answer["Attributes"][name]) for name in names)

    @cached_property
    def _queue(self) -> str:
        return self.outputs()["ArrivalsQueueUrl"]

    # ------------------------------------------------------------ waiting for what must come

    def outcome(self, model: str, sent: ObjectVersion) -> Item:
        """The object's terminal record, once the run that judged it has ended."""
        return self._in_time(model, lambda: self._judged(model, sent), f"an outcome for {sent.key}")

    def _in_time[T](self, model: str, look: Callable[[], T | None], what: str) -> T:
        """What must come as long as anything happens to the model: how long that takes is the machine's affair."""
        return while_it_moves(look, lambda: self.progress(model), what, PATIENCE_SECONDS, PAUSE_SECONDS)

    def _judged(self, model: str, sent: ObjectVersion) -> Item | None:
        record = self.item(model, f"object#{sent.id}")
        ended = record.get("state") not in {None, "pending", "claimed"}
        return record if ended and self.run(model, str(record["run"])).get("state") == "ended" else None

    def run(self, model: str, run_id: str) -> Item:
        return next((item for item in self.items(model, "run#") if item.get("run") == run_id), {})

    def last_run(self, model: str, count: int) -> Item:
        """The model's run number `count`, once it has ended."""

        def ended() -> Item | None:
            runs = self.items(model, "run#")
            return runs[count - 1] if len(runs) >= count and runs[count - 1].get("state") == "ended" else None

        return self._in_time(model, ended, f"run {count} of {model}")

    def rollout(self, model: str, version: int) -> Item:
        """The release record of a package version, once its rollout has ended."""

        def released() -> Item | None:
            found = [item for item in self.items(model, "release#") if int(item["version"]) == version]
            idle = not self.item(model, "endpoint").get("owner")
            return found[-1] if found and idle else None

        return self._in_time(model, released, f"the rollout of version {version} of {model}")
