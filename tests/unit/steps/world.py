"""A deployment in memory: the ports as fakes, and the steps called as the state machines call them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from retide.domain import layout
from retide.domain.catalogue import Catalogue
from retide.domain.contract import Contract, parse
from retide.domain.events import retrain_message
from retide.domain.layout import ObjectVersion, RunId
from retide.domain.ledger import Cause, Champion
from retide.domain.record import Failure
from retide.domain.sizes import Bounds
from retide.ledger import Ledger
from retide.ports import EndpointState, Machine, Status
from retide.steps.announce_code import Announcement, Code, announce_code
from retide.steps.check_rollout import Checking, CheckRequest, CheckResult, check_rollout
from retide.steps.claim import Claiming, ClaimRequest, ClaimResult, claim
from retide.steps.decide import DecideRequest, DecideResult, Deployment, decide
from retide.steps.dispatch import Delivery, Report, dispatch
from retide.steps.dispatcher import Dispatcher
from retide.steps.finish_rollout import Finishing, FinishRequest, FinishResult, finish_rollout
from retide.steps.gate import GateRequest, GateResult, gate
from retide.steps.links import Links
from retide.steps.prepare_rollout import Preparation, PrepareRequest, prepare_rollout
from retide.steps.reconcile import Reconciled, Reconciler, reconcile
from retide.steps.register import RegisterRequest, RegisterResult, Target, register
from retide.steps.release import ReleaseRequest, ReleaseResult, Releasing, release
from retide.steps.rollout_plan import Rollout
from tests.fakes import (
    FakeAliases,
    FakeClock,
    FakeDeadLetters,
    FakeEndpointLogs,
    FakeEndpoints,
    FakeExecutions,
    FakeHosting,
    FakeJobs,
    FakeNotices,
    FakeObjects,
    FakeQueue,
    FakeRegistry,
    FakeSeals,
    FakeSignatures,
    FakeTable,
)

CONTRACT = {
    "task": "classification",
    "target": "ill",
    "columns": {"age": {"type": "integer"}, "ill": {"type": "category", "values": ["no", "yes"]}},
    "metric": {"name": "roc_auc", "floor": 0.7, "segment_loss": 0.05},
    "policy": {"min_rows": 50},
}
STAGE = "dev"
BOUNDS = Bounds(largest=10**6, inline=100, concurrency=10)
ACCOUNT = "000000000000"
GOLDEN = [{"record": {"age": n}, "prediction": {"label": "no", "probability": 0.1 * n}} for n in range(3)]


@dataclass
class World:
    table: FakeTable = field(default_factory=FakeTable)
    clock: FakeClock = field(default_factory=FakeClock)
    objects: FakeObjects = field(default_factory=FakeObjects)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    endpoints: FakeEndpoints = field(default_factory=FakeEndpoints)
    aliases: FakeAliases = field(default_factory=FakeAliases)
    hosting: FakeHosting = field(default_factory=FakeHosting)
    endpoint_logs: FakeEndpointLogs = field(default_factory=FakeEndpointLogs)
    timer: Callable[[], float] = time.perf_counter
    queue: FakeQueue = field(default_factory=FakeQueue)
    notices: FakeNotices = field(default_factory=FakeNotices)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    seals: FakeSeals = field(default_factory=FakeSeals)
    signatures: FakeSignatures | None = None
    contract: dict[str, Any] = field(default_factory=lambda: dict(CONTRACT))
    code: str = "c" * 64
    libs: str = "l" * 64
    image: str = "sklearn:1"
    commit: str = "abc"
    bounds: Bounds = BOUNDS
    members: dict[str, bytes] = field(default_factory=dict)
    deployments: int = 0
    sent: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.table, self.clock)
        self.dead, self.failures = FakeDeadLetters(self.queue), FakeDeadLetters(self.queue)

    @property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            self.ledger,
            self.objects,
            self.executions,
            self.registry,
            self.clock,
            self.catalogue,
            "bucket",
            STAGE,
            ACCOUNT,
        )

    @property
    def links(self) -> Links:
        return Links(self.seals, "https://links.example", STAGE)

    @property
    def catalogue(self) -> Catalogue:
        entry = {
            "contract": self.contract,
            "contract_digest": self.parsed.digest,
            "code_digest": self.code,
            "libs_digest": self.libs,
        }
        return Catalogue({"m": entry, "n": entry})

    @property
    def parsed(self) -> Contract:
        return parse(self.contract, "m")

    # What the outside does.

    def put(self, key: str = "incoming/m/a.csv", data: bytes = b"x") -> dict[str, Any]:
        """Write an object; the event that S3 makes of it."""
        self.objects.put(key, data)
        head = self.objects.head(key)
        assert head is not None
        return s3_event(key, head.version)

    def dispatch(self, *messages: object) -> Report:
        """Deliver messages that were never delivered before."""
        first = self.sent
        self.sent += len(messages)
        return self.deliver({f"message-{first + n}": message for n, message in enumerate(messages)})

    def deliver(self, messages: Mapping[str, object]) -> Report:
        """Deliver messages under the queue's ids for them; the same id is the same message once more."""
        bodies = {name: said if isinstance(said, str) else json.dumps(said) for name, said in messages.items()}
        return dispatch([Delivery(name, body) for name, body in bodies.items()], self.dispatcher)

    def drain(self) -> None:
        """Let dispatch take what the steps have sent."""
        while self.queue.messages:
            self.dispatch(self.queue.messages.pop(0))

    def reconcile(self) -> Reconciled:
        """The reconciler's schedule comes round."""
        self.dead.hidden.clear()
        self.failures.hidden.clear()
        return reconcile(
            Reconciler(
                self.dispatcher, self.endpoints, self.hosting, self.dead, self.failures, self.notices, self.links
            )
        )

    # The retrain machine.

    def claim(self, generation: int = 1, attempt: int = 1) -> ClaimResult:
        execution = f"arn:retrain:m-{generation}-{attempt}"
        request = ClaimRequest("m", generation, attempt, execution)
        parts = Claiming(
            self.ledger,
            self.executions,
            self.objects,
            self.queue,
            self.clock,
            self.parsed,
            self.bounds,
            self.commit,
        )
        return claim(request, parts)

    def accept_all(self, run: str, fence: int) -> None:
        for item in self.ledger.claimed(RunId.parse(run)).objects:
            sha = hashlib.sha256(item.id.encode()).hexdigest()
            self.ledger.accept(RunId.parse(run), fence, item.id, curated=sha, rows=100, verdict="v")

    def freeze(self, dataset: str = "d1", rows: int = 300, counts: dict[str, int] | None = None) -> None:
        label = {"nulls": 0, "categories": {"counts": counts or {"no": 150, "yes": 150}, "others": 0}}
        profile = {"rows": rows, "columns": {"ill": label}}
        self.objects.put(layout.dataset("m", dataset, "profile.json"), json.dumps(profile).encode())
        parts = [
            {"id": one.id, "key": one.key, "version": one.version, "curated": one.curated, "rows": one.rows}
            for one in self.ledger.accepted("m")
        ]
        manifest = {"dataset": dataset, "rows": rows, "bucket_threshold": 2000, "cutoff": None, "objects": parts}
        self.objects.put(layout.dataset("m", dataset, "manifest.json"), json.dumps(manifest).encode())

    def decide(self, run: str = "m-1-1", fence: int = 1, dataset: str = "d1") -> DecideResult:
        entry = self.catalogue["m"]
        request = DecideRequest(run, fence, dataset)
        zips = ("s3://assets/retide-dev/code.zip", "s3://assets/retide-dev/libs.zip")
        deployment = Deployment(STAGE, "ledger-1", *zips, self.image, "xgboost:1", self.commit)
        return decide(
            request,
            ledger=self.ledger,
            objects=self.objects,
            jobs=self.jobs,
            entry=entry,
            deployment=deployment,
        )

    def train(self, job: str) -> None:
        """The job is completed, and its artefact is there."""
        self.objects.put(layout.artefact("m", job), artefact(self.made(job)))
        self.jobs.statuses[job] = "Completed"

    def made(self, job: str) -> dict[str, bytes]:
        """The files of the job's artefact."""
        return self.members or {"model/model.onnx": job.encode()}

    def evaluate(self, plan: DecideResult, run: str = "m-1-1", dataset: str = "d1", **changes: Any) -> None:
        """Train and evaluate: the artefact, the evaluation and the golden records."""
        self.train(plan.job)
        found = evaluation(job=plan.job, dataset=dataset, digest=digest(self.made(plan.job)), **changes)
        self.objects.put(layout.run(run, "m", "evaluation/evaluation.json"), json.dumps(found).encode())
        golden = {"requests": GOLDEN}
        self.objects.put(layout.run(run, "m", "evaluation/golden.json"), json.dumps(golden).encode())

    def gate(self, plan: DecideResult, run: str = "m-1-1", fence: int = 1, dataset: str = "d1") -> GateResult:
        request = GateRequest(run, fence, dataset, plan.job)
        return gate(request, ledger=self.ledger, objects=self.objects, contract=self.parsed)

    def register(self, run: str = "m-1-1", fence: int = 1) -> RegisterResult:
        target = Target(self.parsed, STAGE, "image:1", self.signatures)
        request = RegisterRequest(run, fence)
        return register(request, ledger=self.ledger, objects=self.objects, registry=self.registry, target=target)

    def release(self, outcome: str, run: str = "m-1-1", fence: int = 1, error: Failure | None = None) -> ReleaseResult:
        request = ReleaseRequest(run, fence, f"arn:retrain:{run}", outcome, error)
        parts = Releasing(
            self.ledger,
            self.objects,
            self.executions,
            self.queue,
            self.notices,
            self.clock,
            STAGE,
            self.links,
            self.parsed,
        )
        result = release(request, parts)
        self.executions.ended.add(f"arn:retrain:{run}")
        return result

    def run_to_package(self, dataset: str = "d1", **changes: Any) -> str:
        """A whole run of what waits; the ARN of the package that it registered."""
        head = self.ledger.head("m")
        run = str(head.run("m"))
        fence = self.claim(head.generation, head.attempt).fence
        self.accept_all(run, fence)
        self.freeze(dataset)
        plan = self.decide(run, fence, dataset)
        assert plan.outcome == "retrain"
        self.evaluate(plan, run, dataset, **changes)
        self.gate(plan, run, fence, dataset)
        registered = self.register(run, fence)
        self.release(registered.outcome, run, fence)
        return registered.package

    # The rollout machine.

    def prepare(self, version: int = 1, attempt: int = 1) -> Rollout:
        parts = Preparation(
            self.ledger,
            self.objects,
            self.executions,
            self.registry,
            self.endpoints,
            self.queue,
            self.endpoint_logs,
            self.clock,
            self.parsed,
            STAGE,
            self.signatures,
        )
        execution = rollout_arn(version, attempt)
        return prepare_rollout(
            PrepareRequest("m", version, self.arn(version), attempt, execution, "arn:keeper", 7), parts
        )

    def serve(self, rollout: Rollout) -> None:
        """What SageMaker does when all goes well."""
        self.endpoints.states[rollout.endpoint] = EndpointState("InService", rollout.name)
        answers = {json.dumps(item["record"]): item["prediction"] for item in GOLDEN}

        def answer(body: bytes) -> bytes:
            records = json.loads(body)["records"]
            return json.dumps({"predictions": [answers[json.dumps(record)] for record in records]}).encode()

        self.endpoints.answer = answer

    def check(self, rollout: Rollout, version: int = 1, *, trial: bool = False) -> CheckResult:
        request = CheckRequest("m", self.arn(version), rollout.endpoint, rollout.name, trial)
        return check_rollout(request, Checking(self.endpoints, self.objects, self.registry, self.parsed, self.timer))

    def finish(
        self, rollout: Rollout, outcome: str, version: int = 1, attempt: int = 1, error: Failure | None = None
    ) -> FinishResult:
        execution, arn = rollout_arn(version, attempt), self.arn(version)
        request = FinishRequest(
            "m",
            version,
            arn,
            attempt,
            execution,
            rollout.fence,
            rollout.endpoint,
            rollout.name,
            rollout.previous_config,
            outcome,
            "because",
            error,
        )
        parts = Finishing(
            ledger=self.ledger,
            registry=self.registry,
            executions=self.executions,
            queue=self.queue,
            notices=self.notices,
            aliases=self.aliases,
            clock=self.clock,
            stage=STAGE,
        )
        result = finish_rollout(request, parts)
        self.executions.ended.add(execution)
        return result

    def serve_first_version(self) -> None:
        """Deploy commit one and bring its model, version 1, to the endpoint."""
        self.deploy_code("one", "Create")
        self.drain()
        self.dispatch(self.put())
        self.run_to_package()
        self.deploy(1)
        self.drain()

    def deploy(self, version: int = 1) -> None:
        """Approve, dispatch and roll out a version with success."""
        if self.registry.describe(self.arn(version)).status is not Status.APPROVED:
            self.registry.judge(self.arn(version), Status.APPROVED, "by hand")
        self.dispatch(approved_event(version))
        attempt = int(self.executions.names[-1].rpartition("-")[2])
        rollout = self.prepare(version, attempt)
        assert rollout.outcome == "proceed", rollout.reason
        self.serve(rollout)
        self.finish(rollout, self.check(rollout, version).outcome, version, attempt)

    def deploy_code(self, commit: str, kind: str = "Update", **changes: Any) -> str:
        """A deployment of a commit: what functions know from now on, and the announcement at its end."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.commit = commit
        self.deployments += 1
        return self.announce(kind)

    def announce(self, kind: str = "Update") -> str:
        """CloudFormation's request for the deployment of the moment; again for a retry of it."""
        code = Code("m", self.code, self.parsed.digest, self.image, self.libs, self.commit)
        announcement = Announcement(kind, f"request-{self.deployments}", code)
        return announce_code(announcement, ledger=self.ledger, queue=self.queue, clock=self.clock)

    @staticmethod
    def arn(version: int) -> str:
        return f"arn:aws:sagemaker:us-east-1:000000000000:model-package/retide-dev-m/{version}"

    def states(self) -> dict[str, str]:
        return {item.key: item.state.value for item in self.ledger.objects("m")}


def rollout_arn(version: int, attempt: int = 1) -> str:
    return f"arn:{Machine.ROLLOUT}:m-v{version}-{attempt}"


def s3_event(key: str, version: str | None, bucket: str = "bucket") -> dict[str, Any]:
    item = {"key": key, "size": 1, "etag": "e", "sequencer": "0001"} | ({"version-id": version} if version else {})
    return _s3("Object Created", {"bucket": {"name": bucket}, "object": item})


def deleted_event(key: str, version: str, bucket: str = "bucket", **detail: str) -> dict[str, Any]:
    """A version that is gone for good, unless `detail` tells otherwise."""
    item = {"key": key, "etag": "e", "version-id": version, "sequencer": "0002"}
    told = {"reason": "DeleteObject", "deletion-type": "Permanently Deleted", **detail}
    return _s3("Object Deleted", {"bucket": {"name": bucket}, "object": item, **told})


def _s3(kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"source": "aws.s3", "account": ACCOUNT, "detail-type": kind, "detail": detail}


def approved_event(version: int, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {
        "time": at,
        "account": ACCOUNT,
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Model Package State Change",
        "detail": {
            "ModelPackageGroupName": "retide-dev-m",
            "ModelPackageVersion": version,
            "ModelPackageArn": World.arn(version),
            "ModelApprovalStatus": "Approved",
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
        },
    }


def wish(key: str = "k1", cause: Cause = Cause.PERSON) -> dict[str, Any]:
    return retrain_message("m", cause, "because", key)


def evaluation(
    score: float = 0.9,
    champion: float | None = None,
    low: float | None = None,
    *,
    job: str = "job",
    dataset: str = "d1",
    digest: str = "a" * 64,
    segments: list[dict[str, Any]] | None = None,
    boosting: dict[str, Any] | None = None,
) -> dict[str, Any]:
    gain = None if champion is None else round(score - champion, 10)
    bounds = {"low": (gain or 0) - 0.02 if low is None else low, "high": (gain or 0) + 0.02}
    return {
        "model": "m",
        "task": "classification",
        "dataset": dataset,
        "metric": "roc_auc",
        "direction": "maximize",
        "holdout_rows": 60,
        "challenger": {**_scores(job, score, digest), "boosting": boosting},
        "champion": None if champion is None else _scores("old", champion, "b" * 64),
        "gain": None if gain is None else {"estimate": gain, **bounds, "confidence": 0.95},
        "segments": segments or [],
        "baseline": {"roc_auc": 0.5},
    }


def _scores(job: str, score: float, digest: str) -> dict[str, Any]:
    return {
        "job": job,
        "artefact_digest": digest,
        "metrics": {"roc_auc": score},
        "latency_ms": {"single_p50": 0.1},
        "size_bytes": 10,
        "parity_max_abs": 0.0,
    }


def artefact(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def artefact_digest(job: str) -> str:
    return digest({"model/model.onnx": job.encode()})


def digest(members: Mapping[str, bytes]) -> str:
    """As evaluate computes it: sha256 over the sorted lines "<sha256>  <path>"."""
    lines = sorted(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in members.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def version_of(world: World, key: str) -> ObjectVersion:
    head = world.objects.head(key)
    assert head is not None
    return ObjectVersion(key, head.version)


def champion(version: int = 1, **changes: Any) -> Champion:
    made = Champion(World.arn(version), version, "job", "d1", "c" * 64, "k" * 64, "m-1-1")
    return replace(made, **changes)
