"""What the deployed pipeline's notices say on a running cloud: their own template, beside a pipeline that fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Stack

from infra.parts.delivery_notices import DeliveryNotices
from retide.local.interfaces import Json
from tests.contract.local_codepipeline.clouds import Cloud, connected, made, outputs, template
from tests.patience import eventually

PIPELINE = "road-heard"
FAILED = (
    "road-heard: execution {pipelineExecutionId} ended as FAILED. Which push it was: `retide delivery list`; "
    "where it failed and why: `retide delivery show COMMIT`"
)
ROLLED_BACK = (
    "road-heard: execution {pipelineExecutionId} rolls a stage back (AutomatedRollback). "
    "Which push was taken back, and why: `retide delivery list`"
)


def notices(folder: Path) -> Json:
    """The template of the notices alone, for this test's pipeline."""
    app = App(outdir=str(folder))
    stack = Stack(app, "heard", synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
    topic = DeliveryNotices(stack, "Notices", pipeline=PIPELINE).topic
    CfnOutput(stack, "Topic", value=topic.topic_arn)
    app.synth()
    made: Json = json.loads((folder / "heard.template.json").read_text())
    return {name: made[name] for name in ("Resources", "Outputs")}


class Mailbox:
    """A queue that is subscribed to the topic; `heard` is everything that ever came, without EventBridge's quotes."""

    def __init__(self, cloud: Cloud, topic: str) -> None:
        self._sqs: Any = cloud.client("sqs")
        self._url = self._sqs.create_queue(QueueName="heard")["QueueUrl"]
        queue = f"arn:aws:sqs:us-east-1:{cloud.running.account}:heard"
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        self._heard: list[str] = []

    def heard(self) -> list[str]:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._heard.append(json.loads(json.loads(message["Body"])["Message"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._heard


def watched(connection: str) -> Json:
    """A road of two stages, of which the second is rolled back when its build fails."""
    body = template("road/heard", connection)
    source, build, _, _ = body["Resources"]["Pipeline"]["Properties"]["Stages"]
    body["Resources"]["Pipeline"]["Properties"]["Stages"] = [source, build | {"OnFailure": {"Result": "ROLLBACK"}}]
    return body


def test_a_failed_push_and_its_rollback_are_each_told_once_in_words(cloud: Cloud, tmp_path: Path) -> None:
    checkout = made(cloud, "road/heard", tmp_path)
    checkout.push()
    cloud.deploy("heard", notices(tmp_path / "assembly"))
    mailbox = Mailbox(cloud, outputs(cloud, "heard")["Topic"])
    cloud.deploy(PIPELINE, watched(connected(cloud, "heard")))
    cloud.ended(PIPELINE, 1)

    checkout.write("word", "bad")
    checkout.commit()
    checkout.push()
    first, failed, rollback = cloud.ended(PIPELINE, 3)

    eventually(lambda: len(mailbox.heard()) >= 2, "failure and rollback are told")
    assert first["status"] == "Succeeded"
    assert sorted(mailbox.heard()) == sorted([FAILED.format(**failed), ROLLED_BACK.format(**rollback)])
