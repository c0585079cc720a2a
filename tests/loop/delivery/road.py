"""The road from a push to production as a test walks it: push, follow, decide when a person is asked, look it up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import boto3
from rich.console import Console

from retide.cli.delivery.checkout import Checkout
from retide.cli.delivery.following import Following
from retide.cli.delivery.history import History
from retide.cli.delivery.outcomes import Delivery, Fate
from retide.cli.following import follow
from retide.cli.output import Progress
from retide.cli.stage import Stage
from retide.cli.target import Target
from retide.cli.watch import Pace
from retide.local.cloud import Running
from tests.loop.delivery.repository import Repository

PACE: Final = Pace(interval=0.5, patience=60.0)
WATCHED_SECONDS: Final = 61  # of the cloud's own time, in which production's alarms must stay silent
Change = Callable[[Repository], object]


class AtCloud(boto3.Session):
    """Clients of one local cloud, whatever the environment of this process says."""

    def __init__(self, running: Running) -> None:
        super().__init__("test", "test", None, running.region)
        self._url = running.endpoint_url

    def client(self, name: str, **settings: Any) -> Any:  # type: ignore[override]
        return super().client(name, endpoint_url=self._url, **settings)  # type: ignore[call-overload]


@dataclass
class Road:
    """`pushed` names the commits by the tests' words for them."""

    repository: Repository
    running: Running
    pushed: dict[str, str] = field(default_factory=dict)
    held_back: set[str] = field(default_factory=set)
    _heard: list[str] = field(default_factory=list)

    @cached_property
    def session(self) -> boto3.Session:
        return AtCloud(self.running)

    @cached_property
    def history(self) -> History:
        return History(Checkout.at(self.repository.root), Target("prod", self.running), self.session)

    @cached_property
    def production(self) -> Stage:
        return Stage(Target("prod", self.running), self.session)

    def push(self, word: str, *changes: Change) -> str:
        """Commit the changes under this word and push them; what git said."""
        for change in changes:
            change(self.repository)
        self.pushed[word] = self.repository.commit(f"Push: {word}")
        return self.repository.push()

    def put(self, name: str, data: bytes, model: str = "tide") -> None:
        """A file of rows for production."""
        self.production.clients.s3.put_object(Bucket=self.production.bucket, Key=f"incoming/{model}/{name}", Body=data)

    def settle(self) -> None:
        """Until no run and no rollout of production moves any more."""
        stage = self.production
        follow(stage, ("tide",), datetime.now(UTC), also=lambda: stage.queue_length == 0, progress=silent())

    def follow(self, word: str = "") -> tuple[Delivery, ...]:
        """Until every push (or the one of this word) has its outcome; approvals are given, unless held back."""
        commit = self.pushed.get(word, "")
        return Following(self, silent(), PACE, datetime.now(UTC), commit).until_quiet()

    def deliver(self, word: str) -> Delivery:
        """Follow the push of this word to production; fails with what became of it otherwise."""
        (delivery,) = self.follow(word)
        assert delivery.fate is Fate.DEPLOYED, self.repository.retide("delivery", "show", delivery.commit.name)
        return delivery

    def moving(self, since: datetime, followed: Collection[str]) -> tuple[Delivery, ...]:
        """What `retide delivery watch` sees, while somebody approves and time passes."""
        seen = self.history.moving(since, followed)
        asking = [one for one in seen if one.fate is Fate.APPROVAL and one.commit.name not in self.held_back]
        for one in asking:
            self.repository.retide("delivery", "approve", one.commit.short, "--reason", "the test says so")
        if any(one.fate is Fate.WATCHED for one in seen):
            self.running.change_time(advance=WATCHED_SECONDS)
        return self.history.moving(since, followed) if asking else seen

    def told(self) -> dict[str, Any]:
        """`retide delivery list --json`, by the tests' words; a commit that has no word by its name."""
        words = {commit: word for word, commit in self.pushed.items()}
        listed = json.loads(self.repository.retide("delivery", "list", "--json"))
        return {words.get(one["commit"]["name"], one["commit"]["name"]): one for one in listed}

    def shown(self, word: str) -> dict[str, Any]:
        """`retide delivery show --json` of the push."""
        found: dict[str, Any] = json.loads(self.repository.retide("delivery", "show", self.pushed[word], "--json"))
        return found

    def listen(self) -> None:
        """Subscribe a queue to what the pipeline tells people."""
        described = self.session.client("cloudformation").describe_stacks(StackName="retide-delivery")["Stacks"][0]
        told = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}["NoticesTopicArn"]
        self._mailbox.create_queue(QueueName="people")
        queue = f"arn:aws:sqs:{self.running.region}:{self.running.account}:people"
        self.session.client("sns").subscribe(TopicArn=told, Protocol="sqs", Endpoint=queue)

    def heard(self) -> list[str]:
        """Everything that people were told since."""
        url = self._mailbox.get_queue_url(QueueName="people")["QueueUrl"]
        while messages := self._mailbox.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            self._heard += (json.loads(message["Body"])["Message"] for message in messages)
            for message in messages:
                self._mailbox.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return self._heard

    @cached_property
    def _mailbox(self) -> Any:
        return self.session.client("sqs")

    def runs(self) -> list[str]:
        return [run.run for run in self.production.ledger.runs("tide")]


def silent() -> Progress:
    return Progress(Console(file=io.StringIO()))
