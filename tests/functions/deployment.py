"""A deployment on moto, in process: what the functions of a stage reach, and its events as they are recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retide.aws.clients import Clients
from retide.domain.contract import parse
from retide.domain.environment import Environment

EVENTS: Final = Path(__file__).parent / "events"
ACCOUNT: Final = "123456789012"
CONTRACT: Final[Mapping[str, Any]] = {
    "task": "classification",
    "target": "ill",
    "id": ["person"],
    "columns": {
        "person": {"type": "string"},
        "age": {"type": "integer", "min": 0, "max": 120},
        "ill": {"type": "category", "values": ["no", "yes"]},
    },
    "metric": {"name": "roc_auc", "floor": 0.7},
    "policy": {"min_rows": 50},
}


@dataclass(frozen=True)
class Deployment:
    clients: Clients
    environment: Environment

    def put(self, key: str, data: bytes) -> dict[str, Any]:
        """Write an object; the event that S3 makes of it."""
        answer = self.clients.s3.put_object(Bucket=self.environment.data_bucket, Key=key, Body=data)
        event: dict[str, Any] = recorded("object_created")
        event["detail"]["object"] |= {"key": key, "version-id": answer["VersionId"], "size": len(data)}
        return event

    def read(self, key: str) -> Any:
        return json.loads(self.clients.s3.get_object(Bucket=self.environment.data_bucket, Key=key)["Body"].read())

    def executions(self, machine_arn: str) -> list[str]:
        listed = self.clients.states.list_executions(stateMachineArn=machine_arn)["executions"]
        return sorted(execution["name"] for execution in listed)

    def start(self, machine_arn: str, name: str) -> str:
        """An execution whose functions a test calls itself; its ARN."""
        return self.clients.states.start_execution(stateMachineArn=machine_arn, name=name)["executionArn"]

    def messages(self) -> list[dict[str, Any]]:
        url = self.environment.arrivals_queue_url
        return [json.loads(m["Body"]) for m in self.clients.sqs.receive_message(QueueUrl=url).get("Messages", [])]


def recorded(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def batch(*messages: Any) -> dict[str, Any]:
    """Messages as SQS hands them to a function."""
    record = recorded("sqs")
    bodies = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    return {"Records": [record | {"messageId": f"message-{n}", "body": body} for n, body in enumerate(bodies)]}


def write_catalogue(root: Path) -> None:
    digest = parse(CONTRACT, "m").digest
    entry = {"contract": CONTRACT, "contract_digest": digest, "code_digest": "c" * 64, "libs_digest": "l" * 64}
    (root / "catalogue.json").write_text(json.dumps({"m": entry}))


def deploy(clients: Clients) -> Deployment:
    """Make the parts that infra makes, as far as functions reach them."""
    clients.s3.create_bucket(Bucket="data")
    clients.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    clients.dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    clients.sagemaker.create_model_package_group(ModelPackageGroupName="retide-dev-m")
    environment = Environment(
        stage="dev",
        data_bucket="data",
        ledger_table="ledger",
        arrivals_queue_url=clients.sqs.create_queue(QueueName="arrivals")["QueueUrl"],
        failures_queue_url=clients.sqs.create_queue(QueueName="failures")["QueueUrl"],
        arrivals_dlq_url=clients.sqs.create_queue(QueueName="arrivals-dlq")["QueueUrl"],
        notices_topic_arn=clients.sns.create_topic(Name="notices")["TopicArn"],
        retrain_machine_arn=_machine(clients, "retide-dev-retrain"),
        rollout_machine_arn=_machine(clients, "retide-dev-rollout"),
        image_uri=f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
        boosting_image_uri=f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5",
        code_uri="s3://assets/retide-dev/code.zip",
        libs_uri="s3://assets/retide-dev/libs.zip",
        data_libs_uri="s3://assets/retide-dev/data.zip",
        validate_bytes="1000000",
        validate_inline="100",
        validate_concurrency="10",
        commit="abc",
        approval_url="",
        approval_key="",
        signing_key="",
    )
    return Deployment(clients, environment)


def _machine(clients: Clients, name: str) -> str:
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    role = f"arn:aws:iam::{ACCOUNT}:role/machine"
    return clients.states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
