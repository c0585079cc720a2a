"""A whole stage in memory: the deployed state machines, the real steps, and a world that delivers, kills and waits."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import timedelta
from functools import cache
from inspect import Parameter, signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, get_type_hints

from retide.domain import judging
from retide.domain.catalogue import Catalogue
from retide.domain.codec import parse, serialise
from retide.domain.contract import Contract
from retide.domain.contract import parse as read_contract
from retide.domain.dataset import rules_digest
from retide.domain.ledger import Step
from retide.domain.profile import Categories, ColumnProfile, Profile
from retide.domain.record import Failure
from retide.domain.sizes import Bounds
from retide.domain.verdict import Finding, Verdict
from retide.ledger import Ledger
from retide.ports import ExecutionStatus, Machine, NewPackage, Package, Start, Status
from retide.steps.decide import Deployment
from retide.steps.dispatch import Delivery, Report, dispatch
from retide.steps.register import Target
from tests.fakes import (
    FakeAliases,
    FakeClock,
    FakeDeadLetters,
    FakeEndpointLogs,
    FakeNotices,
    FakeObjects,
    FakeQueue,
    FakeRegistry,
    FakeScalers,
    FakeSeals,
    FakeTable,
)
from tests.unit.proofs.asl import Execution, Json, TaskError
from tests.unit.proofs.effects import Effects, Killed, Watched
from tests.unit.proofs.sagemaker import POLLS, SimSageMaker
from tests.unit.steps.world import ACCOUNT, CONTRACT, STAGE, approved_event, deleted_event, s3_event

BOUNDS: Final = Bounds(largest=20, inline=3, concurrency=10)
READ_ITEMS: Final = "arn:aws:states:::s3:getObject"
LAMBDA: Final = "arn:aws:states:::lambda:invoke"
INTEGRATION: Final = re.compile(r"arn:aws:states:::(?:aws-sdk:)?sagemaker:([\w.]+)")
RECEIVES: Final = 3  # of one message, after which it is a dead letter


class SimExecutions:
    """Starts executions that then really run, whenever the world lets them take a step."""

    def __init__(self, clock: FakeClock) -> None:
        self.known: dict[str, Execution] = {}
        self._clock = clock

    def start(self, machine: Machine, name: str, payload: Mapping[str, Any]) -> Start:
        arn = f"arn:{machine}:{name}"
        if arn in self.known:
            return Start.again(self.status(arn))
        self.known[arn] = Execution(arn, machine.value, dict(payload), lambda: self._clock.now().isoformat())
        return Start.STARTED

    def running(self, execution: str) -> bool:
        found = self.known.get(execution)
        return found is not None and found.running

    def status(self, execution: str) -> ExecutionStatus:
        found = self.known.get(execution)
        return ExecutionStatus.GONE if found is None else ExecutionStatus(found.status)

    def steps(self, execution: str) -> tuple[Step, ...]:
        return tuple(Step(name, "2026-01-01T00:00:00+00:00", 0.0) for name in self.known[execution].history)

    def failed_item(self, execution: str) -> Failure | None:
        failed = self.known[execution].failed
        return Failure(failed[-1].error, failed[-1].cause) if failed else None

    @property
    def live(self) -> list[Execution]:
        return [execution for execution in self.known.values() if execution.running]


class SimRegistry(FakeRegistry):
    """A registry that tells of approvals, as SageMaker does: by an event."""

    def __init__(self, queue: FakeQueue, approved: Callable[[Package], None]) -> None:
        super().__init__()
        self._queue, self._approved = queue, approved

    def create(self, package: NewPackage) -> str:
        return super().create(package)

    def judge(self, arn: str, status: Status, reason: str) -> None:
        super().judge(arn, status, reason)
        if status is Status.APPROVED:
            package = self.describe(arn)
            self._approved(package)
            event = approved_event(package.version, "2030-01-01T00:00:00Z")
            event["detail"] |= {"ModelPackageGroupName": package.group, "ModelPackageArn": arn}
            self._queue.send(event)


def judge(path: Path, contract: Contract, *, keep: Path | None = None, **_wanted: object) -> Verdict:
    """Content that begins with "bad" is refused; equal content is equal rows."""
    data = path.read_bytes()
    if data.startswith(b"bad"):
        finding = Finding("rows", "", "good rows", "bad ones", "Send a better file.")
        return Verdict(0, rules_digest(contract), (finding,))
    if keep is not None:
        keep.write_bytes(data)
    label = ColumnProfile(0, None, Categories({"no": 50, "yes": 50}))
    profile = Profile(100, {"ill": label})
    return Verdict(100, rules_digest(contract), (), hashlib.sha256(data).hexdigest(), profile)


@dataclass
class Message:
    name: str
    body: str
    receives: int = 0


@dataclass
class Universe:
    """All ports, and who uses them. `accepted_by` counts what the queue was given; see `deliver` for what became."""

    models: tuple[str, ...] = ("m",)
    policy: Mapping[str, Any] = field(default_factory=dict)
    tuning: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    serving: Mapping[str, Any] = field(default_factory=dict)
    table: FakeTable = field(default_factory=FakeTable)

    def __post_init__(self) -> None:
        self.clock, self.effects, self.objects = FakeClock(), Effects(), FakeObjects()
        self.outbox = FakeQueue()
        self.sagemaker = SimSageMaker(self.objects, judge=self._judge_in_a_job)
        self.executions = SimExecutions(self.clock)
        self.registry = SimRegistry(self.outbox, self.sagemaker.damage)
        self.notices, self.dead_letters = FakeNotices(), FakeDeadLetters(self.outbox)
        self.failures, self.aliases = FakeDeadLetters(self.outbox), FakeAliases()
        self.scalers = FakeScalers()
        self.queue: list[Message] = []
        self.received: dict[str, str] = {}
        self.dead: set[str] = set()
        self.zombies: list[tuple[str, Json]] = []
        self.sequence = self.posted = 0
        self.snapshot: tuple[str, dict[tuple[str, str], Json]] | None = None
        self.acting = self._step = ""
        self.movers: dict[str, str] = {}
        self.collisions: list[str] = []
        self.seen: Counter[str] = Counter()
        self._known_parts: dict[tuple[Any, str], Json] = {}
        self.ledger = self.ledger_over(self.table)
        policy: Json = {"min_rows": 50, **self.policy}
        self.contract: Json = {**CONTRACT, "policy": policy, "tuning": self.tuning, "serving": self.serving} | {
            "training": self.training
        }
        self._contracts = {model: read_contract(self.contract, model) for model in self.models}
        self._calls: dict[str, Any] = {}
        self.catalogue = Catalogue({model: self._entry(model) for model in self.models})

    def _entry(self, model: str) -> Json:
        digests = {"code_digest": "c" * 64, "libs_digest": "l" * 64}
        return {"contract": self.contract, "contract_digest": self._contracts[model].digest, **digests}

    def ledger_over(self, table: FakeTable) -> Ledger:
        return Ledger(Watched(table, self.effects, ("transact",)), self.clock)

    # ------------------------------------------------------------ what the outside does

    def put(self, key: str, data: bytes) -> Message:
        """A producer writes an object; the event of it is on its way."""
        self.objects.put(key, data)
        head = self.objects.head(key)
        assert head is not None
        event = s3_event(key, head.version)
        self.sequence += 1
        event["detail"]["object"]["sequencer"] = f"{self.sequence:016X}"
        return self.post(event)

    def erase(self, key: str, version: str) -> Message:
        self.objects.versions[key] = [found for found in self.objects.versions[key] if found[0] != version]
        return self.post(deleted_event(key, version))

    def post(self, event: Mapping[str, Any]) -> Message:
        self.posted += 1
        message = Message(f"message-{self.posted}", json.dumps(event))
        self.received[message.name] = message.body
        self.queue.append(message)
        return message

    def collect(self) -> None:
        """What the steps have sent lies in the queue now."""
        while self.outbox.messages:
            self.post(self.outbox.messages.pop(0))

    def deliver(self, message: Message, *, once_more: bool = False) -> Report | None:
        """Give a message to dispatch; None where that was killed. `once_more`: the queue delivers it again later."""
        message.receives += 1
        try:
            report = dispatch([Delivery(message.name, message.body)], self._parts_of(dispatch)["parts"])
        except Killed:
            report = None
        done = report is not None and not report.failed
        if message in self.queue and done and not once_more:
            self.queue.remove(message)
        elif message in self.queue and not done and message.receives >= RECEIVES:
            self.queue.remove(message)
            self.dead_letters.letters[message.name] = message.body
            self.dead.add(message.name)
        self.collect()
        return report

    def deliver_batch(self, messages: Sequence[Message]) -> Report:
        """As SQS does: several at once, and the same one may be among them twice; all of them stay in the queue."""
        report = dispatch([Delivery(each.name, each.body) for each in messages], self._parts_of(dispatch)["parts"])
        self.collect()
        return report

    # ------------------------------------------------------------ what runs by itself

    def step(self, execution: Execution) -> None:
        """One state of one execution."""
        self.acting = execution.arn
        execution.step(self.call)
        self.acting = ""
        self.collect()

    def call(self, resource: str, parameters: Json) -> Any:
        """A task of a state machine: a function, or an operation of SageMaker."""
        if resource == LAMBDA:
            return {"Payload": self.invoke(parameters["FunctionName"], parameters["Payload"])}
        if resource == READ_ITEMS:
            return self.objects.get(parameters["Key"])
        found = INTEGRATION.fullmatch(resource)
        assert found, resource
        operation = found[1]
        if operation.startswith("describe"):
            return self.sagemaker.call(operation, parameters)
        if operation.endswith("Endpoint"):
            self._note_move(parameters["EndpointName"], operation)
        try:
            return self.effects.make(operation, lambda: self.sagemaker.call(operation, parameters))
        except Killed:
            raise TaskError("States.Timeout", "the answer was lost") from None

    def _judge_in_a_job(self, given: Json) -> None:
        """What training/validate.py does, with the judge of this universe."""
        (given_object,) = [channel for channel in given["ProcessingInputs"] if channel["InputName"] == "object"]
        output = given["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        source, target = (uri.removeprefix("s3://bucket/") for uri in (given_object["S3Input"]["S3Uri"], output))
        with TemporaryDirectory() as folder:
            received, rows = Path(folder) / "received", Path(folder) / "rows"
            self.objects.download(f"{source}{judging.DATA}", None, received)
            verdict = judge(received, self._contracts[given["Environment"]["RETIDE_MODEL"]], keep=rows)
            if verdict.accepted:
                self.objects.upload(rows, f"{target}/{judging.ROWS}")
        self.objects.put(f"{target}/{judging.VERDICT}", json.dumps(verdict.to_dict()).encode())

    def _note_move(self, endpoint: str, operation: str) -> None:
        """Who changes an endpoint while another living execution's change is in flight collides with it."""
        found, mover = self.sagemaker.endpoints.get(endpoint), self.movers.get(endpoint, "")
        by = self.executions.known.get(mover)
        if found is not None and found.coming and mover != self.acting and by is not None and by.running:
            self.collisions.append(f"{self.acting} calls {operation} while that of {mover} is in flight")
        self.movers[endpoint] = self.acting

    def invoke(self, function: str, payload: Json) -> Any:
        """The step behind "${ClaimFunction}", as its handler would call it."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", function.removeprefix("${").removesuffix("Function}")).lower()
        try:
            return serialise(self.use(name, payload))
        except Killed:
            self.seen["killed function"] += 1
            raise TaskError("Runtime.ExitError", "signal: killed") from None
        except Exception as error:
            raise TaskError(type(error).__name__, str(error)) from error

    def use(self, name: str, payload: Json | None = None) -> Any:
        """Call a step by its name, with the ports that it asks for by theirs."""
        step = getattr(importlib.import_module(f"retide.steps.{name}"), name)
        model = str((payload or {}).get("model", self.models[0]))
        if payload is None:
            return step(**self._parts_of(step, model))
        first, request = _request_of(step)
        return step(parse(request, payload), **self._parts_of(step, model, skip=first))

    def pass_a_day(self) -> None:
        """Budgets are fresh, pauses are over, and endpoints have become what they were to become."""
        self.clock.time += timedelta(days=1)
        for name in list(self.sagemaker.endpoints):
            for _ in range(POLLS):
                self.sagemaker.pass_time(name)

    def reconcile(self) -> Any:
        """The schedule fires; None where the function is killed."""
        try:
            done = self.use("reconcile")
        except Killed:
            done = None
        self.dead_letters.hidden.clear()
        self.collect()
        return done

    def kill(self, execution: Execution, status: str = "TIMED_OUT") -> None:
        execution.end(status)

    def orphan(self, execution: Execution) -> None:
        """The execution dies, while the task that it has just called goes on: a zombie that writes later."""
        pending = execution.pending()
        execution.end("TIMED_OUT")
        if pending is not None and pending[0] == LAMBDA:
            self.zombies.append(pending)

    def wake(self, zombie: tuple[str, Json]) -> None:
        """What a dead execution had called comes to its writes only now."""
        self.zombies.remove(zombie)
        payload = zombie[1]["Payload"]
        before = dict(self.table.items) if self._is_stale(payload) else None
        try:
            self.call(*zombie)
        except TaskError as error:
            self.seen["fenced zombie"] += error.name == "Fenced"  # and nobody else hears of it
        finally:
            self.collect()
        if before is not None and before != self.table.items:
            self.collisions.append(f"{payload['execution']} has written after its lease had passed on: {zombie[1]}")

    def expect_no_write_of(self, execution: Execution) -> None:
        """From here on nobody but a dead execution acts: the ledger must stay as it is, where its lease has passed."""
        payload = (execution.pending() or ("", {}))[1].get("Payload", {})
        if payload and self._is_stale(payload):
            self.snapshot = (execution.arn, dict(self.table.items))

    def stop_expecting(self) -> None:
        if self.snapshot is not None and self.snapshot[1] != self.table.items:
            self.collisions.append(f"{self.snapshot[0]} has written after its lease had passed on")
        self.snapshot = None

    def _is_stale(self, payload: Json) -> bool:
        """Whether the lease that a call works under has passed to somebody else."""
        model = payload["model"]
        now = self.ledger.head(model).token if "run" in payload else self.ledger.endpoint(model).token
        return bool(payload.get("fence", now) != now)

    # ------------------------------------------------------------ ports by their names

    def _parts_of(self, step: Any, model: str = "", skip: str = "") -> Json:
        if (step, model) not in self._known_parts:
            self._known_parts[step, model] = self._find_parts(step, model, skip)
        return self._known_parts[step, model]

    def _find_parts(self, step: Any, model: str, skip: str) -> Json:
        hints = get_type_hints(step)
        named = [
            name
            for name, parameter in signature(step).parameters.items()
            if name not in (skip, "deliveries") and parameter.default is Parameter.empty
        ]
        self._step = step.__name__
        return {name: self._port(name, hints[name], model or self.models[0]) for name in named}

    def ledger_of(self, _step: str) -> Ledger:
        """The ledger as a step sees it: all see the same one, unless a guard is taken out of it."""
        return self.ledger

    def _port(self, name: str, hint: Any, model: str) -> Any:
        ports = self._ports(model)
        if name == "ledger":
            return self.ledger_of(self._step)
        if name in ports:
            return ports[name]
        assert is_dataclass(hint), f"the universe has no port {name}"
        hints = get_type_hints(hint)
        parts: Any = hint
        asked = [found.name for found in fields(hint) if found.default is MISSING]
        return parts(**{name: self._port(name, hints[name], model) for name in asked})

    def _ports(self, model: str) -> Json:
        if model not in self._calls:
            self._calls[model] = self._made(model)
        found: Json = self._calls[model]
        return found

    def _made(self, model: str) -> Json:
        def watched(port: Any, *writing: str) -> Watched:
            return Watched(port, self.effects, writing)

        zips = ("s3://assets/retide-dev/code.zip", "s3://assets/retide-dev/libs.zip")
        contract = self._contracts[model]
        return {
            "objects": watched(self.objects, "put", "upload", "copy"),
            "executions": watched(self.executions, "start"),
            "registry": watched(self.registry, "create", "judge", "point"),
            "endpoints": self.sagemaker,
            "captures": self.sagemaker,
            "aliases": watched(self.aliases, "point"),
            "metrics": watched(self.sagemaker, "tell"),
            "serving": contract.serving,
            "endpoint_logs": watched(FakeEndpointLogs(), "keep"),
            "scalers": watched(self.scalers, "keep", "stop"),
            "hosting": watched(self.sagemaker, "delete"),
            "jobs": self.sagemaker,
            "queue": watched(self.outbox, "send"),
            "notices": watched(self.notices, "publish"),
            "dead_letters": watched(self.dead_letters, "redrive", "discard"),
            "failures": watched(self.failures, "discard"),
            "clock": self.clock,
            "catalogue": self.catalogue,
            "contract": contract,
            "entry": self.catalogue[model],
            "deployment": Deployment(STAGE, "ledger-1", *zips, "sklearn:1", "xgboost:1", "abc"),
            "target": Target(contract, STAGE, "image:1"),
            "judge": judge,
            "commit": "abc",
            "bounds": BOUNDS,
            "bucket": "bucket",
            "stage": STAGE,
            "name": "ledger-1",
            "code_uri": zips[0],
            "data_libs_uri": "s3://assets/retide-dev/data.zip",
            "account": ACCOUNT,
            "seals": FakeSeals(),
            "url": "https://links.example",
        }


@cache
def _request_of(step: Any) -> tuple[str, Any]:
    """The first parameter of a step and its type."""
    first = next(iter(signature(step).parameters))
    return first, get_type_hints(step)[first]
