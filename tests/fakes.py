"""The ports in memory: for tests of steps that must touch nothing; they pass the same suites as the adapters."""

from __future__ import annotations

import hmac
import io
import json
import shutil
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from retide.domain.hosting import Scaling
from retide.domain.ledger import Step
from retide.domain.record import Failure
from retide.domain.rollout import is_resource_of
from retide.ledger import Ledger
from retide.ports import (
    Check,
    ConditionFailed,
    DeadLetter,
    Delete,
    EndpointState,
    ExecutionStatus,
    InvocationFailed,
    Key,
    Kind,
    Machine,
    NewPackage,
    ObjectGone,
    ObjectHead,
    Operation,
    Package,
    Put,
    Start,
    Status,
    Update,
    When,
)


class FakeClock:
    """A clock that moves a second each time it is read, so that what happens later is later."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.time = start

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


class FakeTable:
    """A table in memory. `before_write` is called before each transaction: where another writer slips in."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self._sorted: dict[str, list[str]] = {}
        self.before_write: Callable[[], None] = lambda: None

    def get(self, key: Key) -> Mapping[str, Any] | None:
        item = self.items.get((key.pk, key.sk))
        return None if item is None else dict(item)

    def get_many(self, keys: tuple[Key, ...]) -> tuple[Mapping[str, Any] | None, ...]:
        return tuple(self.get(key) for key in keys)

    def query(self, pk: str, prefix: str) -> tuple[Mapping[str, Any], ...]:
        names = self._sorted.get(pk, [])
        first, last = bisect_left(names, prefix), bisect_left(names, f"{prefix}\U0010ffff")
        return tuple(dict(self.items[pk, name]) for name in names[first:last])

    def backwards(self, pk: str, prefix: str) -> Iterator[Mapping[str, Any]]:
        yield from reversed(self.query(pk, prefix))

    def transact(self, *operations: Operation) -> None:
        hook, self.before_write = self.before_write, lambda: None
        hook()
        names = [(operation.key.pk, operation.key.sk) for operation in operations]
        if len(set(names)) != len(names) or len(names) > 100:
            raise ValueError("a transaction takes at most 100 operations on different items")
        failed = tuple(i for i, operation in enumerate(operations) if not self._holds(operation.key, operation.when))
        if failed:
            raise ConditionFailed(failed)
        for operation in operations:
            self._apply(operation)

    def _holds(self, key: Key, when: When) -> bool:
        item = self.items.get((key.pk, key.sk))
        if when.absent:
            return item is None
        return all((item or {}).get(name) == value for name, value in when.equals.items())

    def _apply(self, operation: Operation) -> None:
        name = (operation.key.pk, operation.key.sk)
        identity = {"pk": name[0], "sk": name[1]}
        if not isinstance(operation, Check):
            self._index(name, present=not isinstance(operation, Delete))
        match operation:
            case Put():
                self.items[name] = {k: v for k, v in operation.values.items() if v is not None} | identity
            case Update():
                merged = {**self.items.get(name, {}), **operation.values, **identity}
                self.items[name] = {k: v for k, v in merged.items() if v is not None}
            case Delete():
                self.items.pop(name, None)
            case Check():
                pass

    def _index(self, name: tuple[str, str], *, present: bool) -> None:
        names = self._sorted.setdefault(name[0], [])
        place = bisect_left(names, name[1])
        known = place < len(names) and names[place] == name[1]
        if present and not known:
            names.insert(place, name[1])
        elif known and not present:
            del names[place]


class FakeObjects:
    """A versioned bucket in memory: version ids are v1, v2, … in the order of writing."""

    def __init__(self) -> None:
        self.versions: dict[str, list[tuple[str, bytes]]] = {}
        self._count = 0

    def head(self, key: str, version: str | None = None) -> ObjectHead | None:
        try:
            name, data = self._find(key, version)
        except ObjectGone:
            return None
        return ObjectHead(name, f"etag-{name}", len(data))

    def get(self, key: str, version: str | None = None) -> bytes:
        return self._find(key, version)[1]

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))

    def exists(self, key: str) -> bool:
        return key in self.versions

    def put(self, key: str, data: bytes) -> None:
        self._count += 1
        self.versions.setdefault(key, []).append((f"v{self._count}", data))

    def delete(self, key: str) -> None:
        del self.versions[key]

    def get_many(self, keys: Sequence[str]) -> tuple[bytes | None, ...]:
        return tuple(self.get(key) if self.exists(key) else None for key in keys)

    def download(self, key: str, version: str | None, path: Path) -> None:
        path.write_bytes(self._find(key, version)[1])

    def download_many(self, wanted: Sequence[tuple[str, Path]]) -> frozenset[str]:
        there = [(key, path) for key, path in wanted if self.exists(key)]
        for key, path in there:
            self.download(key, None, path)
        return frozenset(key for key, _ in wanted) - {key for key, _ in there}

    def upload(self, path: Path, key: str) -> None:
        with path.open("rb") as source:
            buffer = io.BytesIO()
            shutil.copyfileobj(source, buffer)
        self.put(key, buffer.getvalue())

    def copy(self, key: str, version: str | None, to_key: str) -> None:
        self.put(to_key, self._find(key, version)[1])

    def uri(self, key: str) -> str:
        return f"s3://bucket/{key}"

    def _find(self, key: str, version: str | None) -> tuple[str, bytes]:
        found = [entry for entry in self.versions.get(key, []) if version in {None, entry[0]}]
        if not found:
            raise ObjectGone(f"s3://bucket/{key} {version or ''}".strip())
        return found[-1]


@dataclass
class FakeExecutions:
    """Executions in memory; an execution's ARN is `arn:<machine>:<name>`. None of the model `refuses` is started."""

    started: list[tuple[Machine, str, Mapping[str, Any]]] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    endings: dict[str, ExecutionStatus] = field(default_factory=dict)
    history: tuple[Step, ...] = ()
    item_failure: Failure | None = None
    refuses: str = ""

    def start(self, machine: Machine, name: str, payload: Mapping[str, Any]) -> Start:
        if self.refuses and payload["model"] == self.refuses:
            raise ConnectionError(f"no execution of {self.refuses} can be started")
        arn = f"arn:{machine}:{name}"
        if arn in self.ended or self.running(arn):
            return Start.again(self.status(arn))
        self.started.append((machine, name, payload))
        return Start.STARTED

    def running(self, execution: str) -> bool:
        return execution not in self.ended and execution in {
            f"arn:{machine}:{name}" for machine, name, _ in self.started
        }

    def status(self, execution: str) -> ExecutionStatus:
        """One that ended otherwise than by failing says so in `endings`."""
        if self.running(execution):
            return ExecutionStatus.RUNNING
        return self.endings.get(execution, ExecutionStatus.FAILED if execution in self.ended else ExecutionStatus.GONE)

    def steps(self, _execution: str) -> tuple[Step, ...]:
        return self.history

    def failed_item(self, _execution: str) -> Failure | None:
        return self.item_failure

    @property
    def names(self) -> list[str]:
        return [name for _, name, _ in self.started]


class FakeRegistry:
    def __init__(self) -> None:
        self.packages: list[Package] = []
        self.created: list[NewPackage] = []
        self._tokens: dict[str, str] = {}

    def create(self, package: NewPackage) -> str:
        if package.token not in self._tokens:
            version = 1 + sum(known.group == package.group for known in self.packages)
            arn = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{package.group}/{version}"
            self._tokens[package.token] = arn
            self.created.append(package)
            self.packages.append(
                Package(
                    arn, package.group, version, Status.PENDING, package.image, package.model_data_url,
                    package.environment, package.facts, package.description,
                )
            )  # fmt: skip
        return self._tokens[package.token]

    def forget_tokens(self) -> None:
        """SageMaker remembers a ClientToken for hours, not for ever."""
        self._tokens.clear()

    def describe(self, arn: str) -> Package:
        for package in self.packages:
            if package.arn == arn:
                return package
        raise LookupError(f"no model package {arn}")

    def versions(self, group: str) -> Iterator[tuple[int, str, Status]]:
        for package in reversed(self.packages):
            if package.group == group:
                yield package.version, package.arn, package.status

    def judge(self, arn: str, status: Status, reason: str) -> None:
        place = self.packages.index(self.describe(arn))
        self.packages[place] = replace(self.packages[place], status=status, reason=reason)

    def point(self, arn: str, source: str) -> None:
        place = self.packages.index(self.describe(arn))
        self.packages[place] = replace(self.packages[place], source=source)


@dataclass
class FakeEndpoints:
    states: dict[str, EndpointState] = field(default_factory=dict)
    answer: Callable[[bytes], bytes] = lambda body: body
    answers: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)  # of single variants
    types: dict[str, str] = field(default_factory=dict)  # of instances, by config

    def describe(self, name: str) -> EndpointState | None:
        return self.states.get(name)

    def instance_type(self, config: str) -> str:
        return self.types.get(config, "")

    def invoke(self, name: str, body: bytes, variant: str | None = None) -> bytes:
        if name not in self.states:
            raise InvocationFailed(f"no endpoint {name}")
        return self.answers.get(variant or "", self.answer)(body)


@dataclass
class FakeAliases:
    endpoints: dict[str, str] = field(default_factory=dict)

    def point(self, _stage: str, model: str, endpoint: str) -> None:
        self.endpoints[model] = endpoint


@dataclass
class FakeHosting:
    """`refers` says which models a config names; `busy` are endpoints that are being made."""

    made: dict[Kind, list[str]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    refers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)

    def names(self, kind: Kind, endpoint: str) -> tuple[str, ...]:
        return tuple(name for name in self.made[kind] if is_resource_of(endpoint, name))

    def models_of(self, config: str) -> tuple[str, ...]:
        return self.refers.get(config, ())

    def delete(self, kind: Kind, name: str) -> bool:
        if name in self.busy:
            return False
        self.deleted.append(name)
        if name in self.made[kind]:
            self.made[kind].remove(name)
        return True


@dataclass
class FakeEndpointLogs:
    """How long each endpoint's log is kept, and who is handed what is captured into it."""

    kept: dict[str, tuple[int, str]] = field(default_factory=dict)

    def keep(self, endpoint: str, days: int, keeper: str) -> None:
        self.kept[endpoint] = (days, keeper)


@dataclass
class FakeScalers:
    """What scales, by endpoint."""

    kept: dict[str, Scaling] = field(default_factory=dict)

    def keep(self, endpoint: str, _variant: str, scaling: Scaling) -> None:
        self.kept[endpoint] = scaling

    def stop(self, endpoint: str, _variant: str) -> None:
        self.kept.pop(endpoint, None)


@dataclass
class FakeQueue:
    messages: list[Mapping[str, Any]] = field(default_factory=list)

    def send(self, message: Mapping[str, Any]) -> None:
        self.messages.append(message)


@dataclass
class FakeDeadLetters:
    """Letters by their handles; what is redriven goes to `queue`."""

    queue: FakeQueue
    letters: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    why: str = ""

    def receive(self) -> tuple[DeadLetter, ...]:
        seen = [handle for handle in self.letters if handle not in self.hidden][:10]
        self.hidden.update(seen)
        return tuple(DeadLetter(self.letters[handle], handle, handle, self.why) for handle in seen)

    def redrive(self, letter: DeadLetter) -> None:
        self.queue.messages.append(json.loads(letter.body))
        self.discard(letter)

    def discard(self, letter: DeadLetter) -> None:
        del self.letters[letter.handle]


@dataclass
class FakeNotices:
    published: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False

    def publish(self, subject: str, text: str) -> None:
        if self.broken:
            raise ConnectionError("nobody can be told")
        self.published.append((subject, text))


@dataclass
class FakeJobs:
    statuses: dict[str, str] = field(default_factory=dict)
    tunings: dict[str, str] = field(default_factory=dict)

    def training_status(self, name: str) -> str | None:
        return self.statuses.get(name)

    def tuning_status(self, name: str) -> str | None:
        return self.tunings.get(name)


@dataclass
class FakeSeals:
    """Seals with a key in memory."""

    key: bytes = b"k" * 32

    def make(self, message: bytes) -> bytes:
        return hmac.digest(self.key, message, "sha256")

    def check(self, message: bytes, seal: bytes) -> bool:
        return hmac.compare_digest(self.make(message), seal)


@dataclass
class FakeSignatures:
    """Signatures with a key in memory; as ECDSA's, of one message no two are the same."""

    key: bytes = b"s" * 32
    made: int = 0

    def sign(self, message: bytes) -> bytes:
        self.made += 1
        drawn = self.made.to_bytes(4)
        return drawn + hmac.digest(self.key, drawn + message, "sha256")

    def verify(self, message: bytes, signature: bytes) -> bool:
        drawn, rest = signature[:4], signature[4:]
        return hmac.compare_digest(hmac.digest(self.key, drawn + message, "sha256"), rest)


def fake_ledger() -> Ledger:
    return Ledger(FakeTable(), FakeClock())
