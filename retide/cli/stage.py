"""One deployed stage: its resources from the stacks' outputs, and the ports that reach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from retide.aws.clients import SETTINGS, Clients, code
from retide.aws.endpoints import SageMakerEndpoints
from retide.aws.objects import S3Objects
from retide.aws.queue import SqsQueue
from retide.aws.registry import SageMakerRegistry
from retide.aws.table import DynamoTable
from retide.cli.failures import CliError
from retide.cli.target import Kind, Target
from retide.domain.environment import endpoint_name
from retide.ledger import Ledger

STACKS: Final = ("data", "retraining", "serving")
MANUAL: Final = "0"
"""The level at which nothing starts by itself, as the stacks' output `Level` says it."""


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Stage:
    """Lazy throughout: a command asks AWS only for what it needs."""

    def __init__(self, target: Target, session: boto3.Session | None = None) -> None:
        self.target = target
        self.name = target.stage
        self._session = session or boto3.Session()
        self.clients = Clients(self._session)

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """Every stack's outputs by name; raises CliError naming the stack that is not deployed."""
        return {name: value for stack in STACKS for name, value in self._outputs_of(f"retide-{self.name}-{stack}")}

    def output(self, name: str) -> str:
        try:
            return self.outputs[name]
        except KeyError:
            raise CliError(f"the stacks of stage {self.name} have no output {name}: {self._deploy_again}") from None

    @property
    def bucket(self) -> str:
        return self.output("DataBucket")

    @property
    def account(self) -> str:
        return self.output("RetrainMachineArn").split(":")[4]

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted(filter(None, self.output("Models").split(","))))

    def model(self, name: str) -> str:
        """The name itself; raises CliError for a model that is not deployed."""
        if name not in self.models:
            known = ", ".join(self.models) or "none"
            raise CliError(f"there is no model {name!r} in {self.target}; known models: {known}")
        return name

    def chosen(self, name: str | None) -> tuple[str, ...]:
        """That model, or all of them."""
        return self.models if name is None else (self.model(name),)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(DynamoTable(self.clients.dynamodb, self.output("LedgerTable")), WallClock())

    def endpoint(self, model: str) -> str:
        """The endpoint that serves the model, or will."""
        return self.ledger.endpoint(model).endpoint or endpoint_name(self.name, model)

    @cached_property
    def objects(self) -> S3Objects:
        return S3Objects(self.clients.s3, self.bucket)

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(self.clients.sqs, self.output("ArrivalsQueueUrl"))

    @property
    def queue_length(self) -> int:
        """Messages that arrived and were not dealt with yet, those in hand included; AWS counts approximately."""
        asked = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.output("ArrivalsQueueUrl"),
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        return sum(map(int, asked["Attributes"].values()))

    @cached_property
    def registry(self) -> SageMakerRegistry:
        return SageMakerRegistry(self.clients.sagemaker)

    @cached_property
    def endpoints(self) -> SageMakerEndpoints:
        return SageMakerEndpoints(self.clients.sagemaker, self.clients.sagemaker_runtime)

    def stack(self, name: str) -> Mapping[str, Any]:
        """A stack as CloudFormation describes it; raises CliError where it is not deployed."""
        client = self._session.client("cloudformation", config=SETTINGS)
        try:
            described: Mapping[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if code(error) != "ValidationError":
                raise
            raise CliError(f"stack {name} is not deployed in {self.target}: {self._deploy_again}") from None
        return described

    def _outputs_of(self, stack: str) -> Iterator[tuple[str, str]]:
        found = self.stack(stack).get("Outputs", [])
        yield from ((output["OutputKey"], output["OutputValue"]) for output in found)

    @property
    def _deploy_again(self) -> str:
        local = self.target.kind is Kind.LOCAL
        return (
            "run `retide deploy`" if local else f"run `make deploy STAGE={self.name}`, or `retide up` for a local cloud"
        )
