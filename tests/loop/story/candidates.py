"""Versions of a served model for rollouts: as good as it, or bad in a way of their own, each with its own artefact."""

from __future__ import annotations

import io
import random
import secrets
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from retide.domain import artefact
from retide.domain.package import MODEL_DIGEST
from tests.loop.story.stage import Stage

MODULE: Final = "code/candidate.py"
SERVER: Final = """
import json, os, time
from server.wsgi import app as good

HOW = os.environ["RETIDE_CANDIDATE"]
if HOW == "crashes":
    raise SystemExit("this candidate does not start")
asked = 0

def app(environ, start_response):
    global asked
    if environ["PATH_INFO"] != "/invocations":
        return good(environ, start_response)
    asked += 1
    if HOW == "slow":
        time.sleep(3)
    if HOW == "fails" or (HOW == "fails under load" and asked > 40):
        start_response("500 Internal Server Error", [("Content-Type", "application/json")])
        return [b'{"error": "this candidate fails"}']
    answer = json.loads(b"".join(good(environ, lambda status, headers: None)))
    for prediction in answer.get("predictions", ()):
        if HOW == "shifted":
            prediction |= {"label": "no", "probability": 0.999}
        if HOW == "doubtful":
            prediction["probabilities"] = dict.fromkeys(prediction["probabilities"], 0.5)
        if HOW in ("wrong", "slightly wrong"):
            prediction["probability"] -= 0.5 if HOW == "wrong" else 0.001
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
"""


@dataclass(frozen=True)
class Candidates:
    """Registers versions of one model that is deployed, by the package of the version that serves."""

    stage: Stage
    model: str

    def approved(self, how: str = "good") -> int:
        """One more version, judged against the champion of today and approved; its number."""
        arn = self._registered(how)
        self.stage.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        return int(arn.rpartition("/")[2])

    def waiting(self, how: str = "good") -> int:
        """One that waits for a person."""
        return int(self._registered(how).rpartition("/")[2])

    def _registered(self, how: str) -> str:
        known = self.stage.client("sagemaker").describe_model_package(ModelPackageName=self._serving())
        job, made = self._artefact(known, how)
        facts = known["CustomerMetadataProperties"] | {
            "champion": str(self.stage.served(self.model)),
            "job": job,
            "artefact_digest": made.digest,
            "archive_sha256": made.sha256,
        }
        specification = known["InferenceSpecification"]
        (container,) = specification["Containers"]
        container["ModelDataUrl"] = container["ModelDataUrl"].replace(known["CustomerMetadataProperties"]["job"], job)
        container["Environment"] |= {
            MODEL_DIGEST: made.digest,
            "SAGEMAKER_SERVING_MODULE": "candidate:app",
            "RETIDE_CANDIDATE": how,
        }
        package = self.stage.client("sagemaker").create_model_package(
            ModelPackageGroupName=known["ModelPackageGroupName"],
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification=specification,
            CustomerMetadataProperties=facts,
        )
        return str(package["ModelPackageArn"])

    def _serving(self) -> str:
        served = self.stage.served(self.model)
        return next(arn for arn in self.stage.packages(self.model) if arn.endswith(f"/{served}"))

    def _artefact(self, known: Mapping[str, Any], how: str) -> tuple[str, artefact.Contents]:
        """The job's name, and an artefact with the candidate's server in it."""
        job = str(known["CustomerMetadataProperties"]["job"]).partition("--")[0]
        place = "models/{}/{}/output/model.tar.gz"
        new = f"{job}--{how.replace(' ', '-')}-{secrets.token_hex(4)}"  # what an older version points at stays as it is
        s3, bucket = self.stage.client("s3"), self.stage.bucket
        body = s3.get_object(Bucket=bucket, Key=place.format(self.model, job))["Body"].read()
        changed = with_member(body, MODULE, SERVER.encode())
        s3.put_object(Bucket=bucket, Key=place.format(self.model, new), Body=changed)
        return new, artefact.inspect(io.BytesIO(changed))


def with_member(archive: bytes, name: str, data: bytes) -> bytes:
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as old,
        tarfile.open(fileobj=made, mode="w:gz") as new,
    ):
        for member in old:
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
        info = tarfile.TarInfo(name)
        info.size = len(data)
        new.addfile(info, io.BytesIO(data))
    return made.getvalue()


@dataclass
class Load:
    """Asks one endpoint all the time: how often, which versions answered, and what failed."""

    stage: Stage
    model: str
    records: Sequence[Mapping[str, Any]]
    endpoint: str = ""
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    anonymous: int = 0

    @contextmanager
    def running(self, clients: int = 2, pause: float = 0.01) -> Iterator[Load]:
        stopped = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(stopped, pause), daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            stopped.set()
            for thread in threads:
                thread.join()

    def _ask(self, stopped: threading.Event, pause: float) -> None:
        while not stopped.is_set():
            try:
                asked = {"records": [random.choice(self.records)]}
                version = self.stage.invoke(self.model, asked, self.endpoint).get("version")
            except Exception as error:  # noqa: BLE001 - whatever it is, a request failed
                self.failures.append(str(error))
            else:
                self.answers[int(version)] += 1 if str(version).isdigit() else 0
                self.anonymous += not str(version).isdigit()
            time.sleep(pause)
