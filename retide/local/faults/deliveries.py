"""Deliveries that go wrong as they do on AWS: twice, late, in another order, or not at all."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from ministack.core import responses
from ministack.services import eventbridge, sqs

from retide.local.clock import Clock
from retide.local.faults.book import Faults
from retide.local.faults.rules import Channel, DeliveryFault
from retide.local.interfaces import Json

Deliver = Callable[[], object]


class Deliveries:
    """Stands before the targets of EventBridge's rules, and before queues to which messages are sent."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock
        self._kept: dict[int, _Kept] = {}
        self._lock = threading.Lock()

    def install(self) -> None:
        eventbridge._invoke_target = self._on_target(eventbridge._invoke_target)
        sqs._act_send_message = sqs._HANDLERS["SendMessage"] = self._on_message(sqs._act_send_message)

    def _on_target(self, invoke: Callable[..., None]) -> Callable[..., None]:
        def invoke_target(target: Json, event: Json, rule: Json, view: Any = None) -> None:
            def said() -> str:
                return json.dumps((view or eventbridge._pattern_event_view(event)).event_with_detail())

            fault = self._fault("events", target["Arn"], said)
            self._deliver(fault, lambda: invoke(target, event, rule, view))

        return invoke_target

    def _on_message(self, send: Callable[[Json, str], Json]) -> Callable[[Json, str], Json]:
        """Whoever sends gets an answer at once, as on AWS; when the message comes is the queue's business."""

        def send_message(data: Json, url: str) -> Json:
            queue = sqs._get_q(data.get("QueueUrl", url), "sqs:SendMessage")
            fault = self._fault("queue", queue["attributes"]["QueueArn"], lambda: data.get("MessageBody", ""))
            if fault is None:
                return send(data, url)
            answers = [send(data, url)] if fault.effect == "duplicate" else []
            self._deliver(fault, lambda: answers.append(send(data, url)), first=not answers)
            return answers[0] if answers else _accepted(data)

        return send_message

    def _fault(self, channel: Channel, target: str, said: Callable[[], str]) -> DeliveryFault | None:
        def concerns(fault: DeliveryFault) -> bool:
            return fault.channel == channel and fault.target in target and fault.contains in said()

        return self._faults.strike(DeliveryFault, concerns)

    def _deliver(self, fault: DeliveryFault | None, deliver: Deliver, *, first: bool = True) -> None:
        """With `first` the delivery itself is still to be made, and not only its copies."""
        if fault is None:
            deliver()
        elif fault.effect == "duplicate":
            for _ in range(first + fault.copies):
                deliver()
        elif fault.effect == "delay":
            self._later(fault.seconds, deliver)
        elif fault.effect == "reorder":
            self._keep(fault, deliver)

    def _keep(self, fault: DeliveryFault, deliver: Deliver) -> None:
        context = copy_context()
        with self._lock:
            kept = self._kept.setdefault(id(fault), _Kept(random.Random(fault.seed)))
            first = not kept.deliveries
            kept.deliveries.append(lambda: context.run(deliver))
            full = len(kept.deliveries) >= fault.window
        if full:
            self._let_go(kept)
        elif first:
            self._later(fault.seconds, lambda: self._let_go(kept))

    def _let_go(self, kept: _Kept) -> None:
        with self._lock:
            deliveries, kept.deliveries = kept.deliveries, []
            kept.chance.shuffle(deliveries)
        for deliver in deliveries:
            deliver()

    def _later(self, seconds: float, deliver: Deliver) -> None:
        context = copy_context()
        self._clock.call_later(seconds, lambda: context.run(deliver))


@dataclass(slots=True)
class _Kept:
    """What one reordering fault holds back; `chance` goes on from window to window."""

    chance: random.Random
    deliveries: list[Deliver] = field(default_factory=list)


def _accepted(data: Json) -> Json:
    """What SQS answers to a message that comes later, or never."""
    answer = {"MessageId": responses.new_uuid(), "MD5OfMessageBody": _md5(data.get("MessageBody", ""))}
    digest = sqs._md5_msg_attrs(data.get("MessageAttributes") or {})
    return {**answer, "MD5OfMessageAttributes": digest} if digest else answer


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
