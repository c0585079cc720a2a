"""One invocation of a variant: asked, counted and captured; copies go to the shadow, whose answers nobody waits for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from retide.local.sagemaker.capture import Capture, Exchange
from retide.local.sagemaker.fleets import Fleet, under_way
from retide.local.sagemaker.hosting import Reply, Unanswered
from retide.local.sagemaker.telemetry import Telemetry

logger = logging.getLogger("retide.local.sagemaker")
INFERENCE_ID: Final = "x-amzn-sagemaker-inference-id"


@dataclass(frozen=True, slots=True)
class Invocation:
    endpoint: str
    body: bytes
    headers: Mapping[str, str]


class Invocations:
    """What happens around the container's own answer."""

    def __init__(self, telemetry: Telemetry, capture: Capture) -> None:
        self._telemetry = telemetry
        self._capture = capture

    def invoke(self, fleet: Fleet, variant: str, invocation: Invocation) -> Reply:
        """The container's answer. Raises Unanswered when there is none."""
        began = time.perf_counter()
        try:
            reply = fleet.server(variant).invoke(invocation.body, invocation.headers)
        except Unanswered:
            self._telemetry.invoked(invocation.endpoint, variant, 0, time.perf_counter() - began)
            raise
        self._telemetry.invoked(invocation.endpoint, variant, reply.status, time.perf_counter() - began)
        if 200 <= reply.status < 300:
            self._take(fleet, variant, invocation, reply)
        return reply

    def mirror(self, fleet: Fleet, invocation: Invocation) -> None:
        """Send a copy to the shadow variant, if there is one and its weight has it."""
        shadow = fleet.shadow()
        if shadow is None:
            return
        fleet.enter()
        work = (fleet, shadow["VariantName"], invocation)
        threading.Thread(target=self._shadow, args=work, name="retide-shadow", daemon=True).start()

    def _shadow(self, fleet: Fleet, variant: str, invocation: Invocation) -> None:
        with under_way(fleet):
            try:
                self.invoke(fleet, variant, invocation)
            except Unanswered as problem:
                logger.debug("the shadow %s of %s did not answer: %s", variant, invocation.endpoint, problem)

    def _take(self, fleet: Fleet, variant: str, invocation: Invocation, reply: Reply) -> None:
        exchange = Exchange(
            invocation.endpoint,
            variant,
            invocation.body,
            invocation.headers,
            reply.body,
            reply.headers,
            invocation.headers.get(INFERENCE_ID),
        )
        self._capture.take(fleet.request.get("DataCaptureConfig"), exchange)
