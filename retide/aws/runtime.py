"""The composition root of every function: ports on AWS, each made when it is first asked for."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path

from retide.aws.aliases import SsmAliases
from retide.aws.captures import S3Captures
from retide.aws.clients import Clients
from retide.aws.endpoint_logs import CloudWatchEndpointLogs
from retide.aws.endpoints import SageMakerEndpoints
from retide.aws.executions import StepFunctions
from retide.aws.hosting import SageMakerHosting
from retide.aws.jobs import SageMakerJobs
from retide.aws.metrics import CloudWatchMetrics
from retide.aws.notices import SnsNotices
from retide.aws.objects import S3Objects
from retide.aws.queue import SqsDeadLetters, SqsLetters, SqsQueue
from retide.aws.registry import SageMakerRegistry
from retide.aws.removal import Removal
from retide.aws.scaling import ApplicationScaling
from retide.aws.seals import KmsSeals
from retide.aws.signatures import KmsSignatures
from retide.aws.table import DynamoTable
from retide.domain.catalogue import Catalogue
from retide.domain.environment import Environment
from retide.ledger import Ledger
from retide.ports import Machine


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Runtime:
    """What a function works with, on the parts that its environment names."""

    def __init__(self, environment: Environment, root: Path, clients: Clients | None = None) -> None:
        self.environment = environment
        self.clock = SystemClock()
        self._root = root
        self._clients = clients or Clients()

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(json.loads((self._root / "catalogue.json").read_text()))

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(DynamoTable(self._clients.dynamodb, self.environment.ledger_table), self.clock)

    @cached_property
    def objects(self) -> S3Objects:
        return S3Objects(self._clients.s3, self.environment.data_bucket)

    @cached_property
    def executions(self) -> StepFunctions:
        machines = {
            Machine.RETRAIN: self.environment.retrain_machine_arn,
            Machine.ROLLOUT: self.environment.rollout_machine_arn,
        }
        return StepFunctions(self._clients.states, machines)

    @cached_property
    def registry(self) -> SageMakerRegistry:
        return SageMakerRegistry(self._clients.sagemaker)

    @cached_property
    def endpoints(self) -> SageMakerEndpoints:
        return SageMakerEndpoints(self._clients.sagemaker, self._clients.sagemaker_runtime)

    @cached_property
    def hosting(self) -> SageMakerHosting:
        return SageMakerHosting(self._clients.sagemaker)

    @cached_property
    def aliases(self) -> SsmAliases:
        return SsmAliases(self._clients.ssm)

    @cached_property
    def captures(self) -> S3Captures:
        return S3Captures(self._clients.s3, self.environment.data_bucket)

    @cached_property
    def metrics(self) -> CloudWatchMetrics:
        return CloudWatchMetrics(self._clients.cloudwatch)

    @cached_property
    def endpoint_logs(self) -> CloudWatchEndpointLogs:
        return CloudWatchEndpointLogs(self._clients.logs)

    @cached_property
    def scalers(self) -> ApplicationScaling:
        return ApplicationScaling(self._clients.scaling)

    @cached_property
    def jobs(self) -> SageMakerJobs:
        return SageMakerJobs(self._clients.sagemaker)

    @cached_property
    def notices(self) -> SnsNotices:
        return SnsNotices(self._clients.sns, self.environment.notices_topic_arn)

    @cached_property
    def seals(self) -> KmsSeals:
        return KmsSeals(self._clients.kms, self.environment.approval_key)

    @cached_property
    def signatures(self) -> KmsSignatures | None:
        """None where artefacts are not signed."""
        key = self.environment.signing_key
        return KmsSignatures(self._clients.kms, key) if key else None

    @cached_property
    def dead_letters(self) -> SqsDeadLetters:
        return SqsDeadLetters(self._clients.sqs, self.environment.arrivals_dlq_url, self.environment.arrivals_queue_url)

    @cached_property
    def failures(self) -> SqsLetters:
        return SqsLetters(self._clients.sqs, self.environment.failures_queue_url)

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(self._clients.sqs, self.environment.arrivals_queue_url)


@cache
def runtime() -> Runtime:
    """The one of this process; made at the first call, so that importing a handler needs no environment."""
    root = os.environ.get("LAMBDA_TASK_ROOT")
    return Runtime(Environment.from_variables(os.environ), Path(root) if root else Path(__file__).parents[2])


@cache
def removal() -> Removal:
    """What functions that take a stage away work with: they are told by CloudFormation, not by their environment."""
    return Removal(Clients())
