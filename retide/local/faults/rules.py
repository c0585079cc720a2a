"""What can be made to go wrong: calls of an API, deliveries of events and messages, jobs; read from JSON, strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar, Final, Literal, get_args, get_type_hints

from retide.local.faults.operations import check_operation
from retide.local.interfaces import Json

CallEffect = Literal["throttle", "fail", "timeout", "kill"]
DeliveryEffect = Literal["duplicate", "delay", "reorder", "drop"]
JobEffect = Literal["fail", "stop", "timeout", "capacity", "kill"]
Moment = Literal["before", "after"]
JobKind = Literal["", "Training", "Processing"]
Channel = Literal["events", "queue"]
CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which of the matching occurrences it strikes: the `nth` and those after it, `times` of them (0: all)."""

    nth: int = 1
    times: int = 1

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if self.nth < 1 or self.times < 0:
            raise ValueError(f"nth is {self.nth} and times is {self.times}: give at least 1, and 0 for every time")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFault(Rule):
    """A call of an API that goes wrong before or after it was carried out.

    `throttle` and `fail` answer with an error, `timeout` does not answer, `kill` ends the function or the job that
    made the call with SIGKILL. `caller` and `resource` are texts that the ARNs of both must contain; empty for any.
    """

    effect: CallEffect
    service: str
    operation: str
    when: Moment = "before"
    caller: str = ""
    resource: str = ""
    error: str = ""
    message: str = "a fault that was asked for"
    status: int = 400

    kind: ClassVar[str] = "call"

    def __post_init__(self) -> None:
        super(CallFault, self).__post_init__()
        check_operation(self.service, self.operation)
        if (self.effect == "fail") != bool(self.error):
            raise ValueError(
                f"effect {self.effect!r} with error {self.error!r}: name the error of a 'fail', and only there"
            )
        if self.error and not CODE.fullmatch(self.error):
            raise ValueError(f"error {self.error!r} is not the name of an error")
        if not 400 <= self.status < 600:
            raise ValueError(f"status is {self.status}: errors have a status of 400 to 599")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFault(Rule):
    """A delivery that goes wrong: of an event to a rule's target, or of a message that is sent to a queue.

    `target` is a text in the ARN of the target or queue, `contains` one in what is delivered. `copies` is how often a
    duplicate comes beside the first, `seconds` how long it is delayed, by the cloud's clock. `reorder` keeps `window`
    deliveries back and lets them go in another order, drawn with `seed`; the rest goes after `seconds`.
    """

    effect: DeliveryEffect
    channel: Channel = "events"
    target: str = ""
    contains: str = ""
    copies: int = 1
    seconds: float = 5.0
    window: int = 10
    seed: int = 0

    kind: ClassVar[str] = "delivery"

    def __post_init__(self) -> None:
        super(DeliveryFault, self).__post_init__()
        if self.copies < 1 or self.window < 2 or not 0 <= self.seconds < float("inf"):
            raise ValueError(
                f"copies is {self.copies}, window {self.window}, seconds {self.seconds:g}: "
                "give at least 1, at least 2, and a finite number of at least 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFault(Rule):
    """A SageMaker job that goes wrong although it was created: `name` is a text that its name must contain.

    `capacity` and `fail` end it before its container runs, `stop`, `timeout` and `kill` (SIGKILL) while it runs; with
    `when` = after, what it made was uploaded first.
    """

    effect: JobEffect
    job: JobKind = ""
    name: str = ""
    when: Moment = "before"
    message: str = "InternalServerError: We encountered an internal error. Please try again."

    kind: ClassVar[str] = "job"

    def __post_init__(self) -> None:
        super(JobFault, self).__post_init__()
        if self.when == "after" and self.effect not in ("fail", "stop"):
            raise ValueError(f"a job is hit by {self.effect!r} before it has ended: only 'fail' and 'stop' come after")


type Fault = CallFault | DeliveryFault | JobFault
KINDS: Final[Mapping[str, Callable[..., Fault]]] = {
    "call": CallFault,
    "delivery": DeliveryFault,
    "job": JobFault,
}


def read(raw: Any) -> Fault:
    """Parse {"kind": "call", "effect": …}; raises ValueError that names what is wrong, and what it could be."""
    if not isinstance(raw, dict) or raw.get("kind") not in KINDS:
        raise ValueError(f'give a JSON object with "kind": one of {", ".join(KINDS)}')
    kind: Any = KINDS[raw["kind"]]
    known = {field.name: field for field in fields(kind)}
    given = {name: value for name, value in raw.items() if name != "kind"}
    for name in given:
        if name not in known:
            raise ValueError(f"a {raw['kind']} fault has no field {name!r}: it has {', '.join(known)}")
    missing = [name for name, field in known.items() if _needed(field) and name not in given]
    if missing:
        raise ValueError(f"a {raw['kind']} fault needs {', '.join(missing)}")
    fault: Fault = kind(**_checked(kind, given))
    return fault


def _needed(field: Field[Any]) -> bool:
    return field.default is MISSING


def _checked(kind: Any, given: Json) -> Json:
    hints = get_type_hints(kind)
    return {name: _value(name, hints[name], value) for name, value in given.items()}


def _value(name: str, hint: Any, value: Any) -> Any:
    choices = get_args(hint)
    if choices and value not in choices:
        raise ValueError(f"{name} is {value!r}: give one of {', '.join(repr(choice) for choice in choices)}")
    if hint is float and type(value) is int:
        return float(value)
    if not choices and type(value) is not hint:
        raise ValueError(f"{name} is {value!r}: give a {hint.__name__}")
    return value
