"""Dead letters: each comes to an end; it is sent again, told now, or parked in the ledger until a person has looked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from retide.domain.environment import package_group_name
from retide.domain.intake import Origin, Parked
from retide.domain.notice import unrecorded
from retide.ports import DeadLetter, DeadLetters, Letters, Notices
from retide.steps.dispatcher import Dispatcher
from retide.steps.refuse import model_named, refusal_of

REDRIVES: Final = 2  # times that one message is taken from the dead letters
PASSES: Final = 50  # times ten letters that one call looks at
SHOWN: Final = 300  # characters of what was heard of a death
EXECUTIONS: Final = "aws.states"
SCHEDULE: Final = "aws.scheduler"
ADDRESS: Final = "ResponseURL"  # where CloudFormation waits for an answer: whoever has it may give that answer


def redrive(letters: DeadLetters, intake: Dispatcher) -> Iterator[str]:
    """Dispatch takes any message twice without harm; one that dies again and again is parked for somebody to look at.

    It must not stay in the queue: an alarm stands for as long as any letter does.
    """
    sent, parked = 0, list[str]()
    for letter in _all(letters):
        name = _name(letter.body)
        if intake.ledger.count_redrive(name) > REDRIVES:
            intake.ledger.park(_message(name, letter, intake))
            letters.discard(letter)
            parked.append(name[:8])
            continue
        letters.redrive(letter)
        sent += 1
    if sent:
        yield f"sent {sent} dead letters to the arrivals again"
    if parked:
        yield (
            f"parked {len(parked)} dead letters ({', '.join(parked[:5])}), which died again after {REDRIVES} redrives: "
            "`retide ledger` shows them, `retide reconcile --redrive` sends them again"
        )


def answer(letters: Letters, notices: Notices, intake: Dispatcher) -> Iterator[str]:
    """What functions could not do, and what people could not be told.

    Nothing of it is done again blindly: a pass of the reconciler is followed by the next, a deployment by another. That
    an execution ended unrecorded is told now. All else is parked before it is taken off, and told of once.
    """
    told = 0
    for letter in _all(letters):
        event = _event(letter.body)
        if event.get("source") == EXECUTIONS:
            notices.publish(*unrecorded(intake.stage, event))
            told += 1
        else:
            failure = _failure(letter, event, intake)
            if intake.ledger.park(failure):
                yield f"{failure.why}: `retide ledger` keeps it until `retide reconcile --redrive` puts it away"
        letters.discard(letter)
    if told:
        yield f"told of {told} executions that ended when people could not be told"


def _all(letters: Letters) -> Iterator[DeadLetter]:
    for _ in range(PASSES):
        some = letters.receive()
        if not some:
            return
        yield from some


def _message(name: str, letter: DeadLetter, intake: Dispatcher) -> Parked:
    raw = _event(letter.body)
    refusal = refusal_of(raw, letter.body, "", intake)
    model = model_named(raw, refusal, intake) or _approved(raw, intake)
    why = letter.why[:SHOWN]
    return Parked(name, letter.body, intake.now(), message=letter.id, model=model, subject=refusal.subject, why=why)


def _approved(event: Mapping[str, Any], intake: Dispatcher) -> str:
    """The model of whose package a message tells; empty for none."""
    detail = event.get("detail")
    group = detail.get("ModelPackageGroupName") if isinstance(detail, Mapping) else None
    return next((model for model in intake.catalogue.models if package_group_name(intake.stage, model) == group), "")


def _failure(letter: DeadLetter, event: Mapping[str, Any], intake: Dispatcher) -> Parked:
    """Passes of the reconciler that fail are one letter, for they fail for the same reason until it is mended."""
    body = json.dumps({name: value for name, value in event.items() if name != ADDRESS}) if event else letter.body
    name = _name(SCHEDULE if event.get("source") == SCHEDULE else body)
    why = f"{_what(event)}: {letter.why[:SHOWN] or 'nobody knows why'}"
    return Parked(name, body, intake.now(), Origin.FUNCTION, letter.id, why=why)


def _what(event: Mapping[str, Any]) -> str:
    if event.get("source") == SCHEDULE:
        return "a pass of the reconciler failed"
    if ADDRESS in event:
        asked = (event.get(field, "something") for field in ("RequestType", "ResourceType", "LogicalResourceId"))
        return f"CloudFormation was not answered ({' '.join(map(str, asked))})"
    return "a function failed"


def _event(body: str) -> Mapping[str, Any]:
    """Empty where it is no JSON object."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, Mapping) else {}


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
