"""A step of a rollout is over when it should be, also where somebody moves the clock as soon as it is seen to bake."""

from __future__ import annotations

import threading
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from retide.local.clock import Clock
from retide.local.sagemaker.deployments import Deployment, Deployments
from retide.local.sagemaker.guardrails import Plan, Step

BAKE_SECONDS = 300.0


class Hasty(Clock):
    """Whoever notes the time is followed by somebody who moves the clock on by a whole bake."""

    def now(self) -> datetime:
        noted = super().now()
        self.advance(BAKE_SECONDS)
        return noted


def test_a_clock_that_is_moved_the_moment_a_step_bakes_ends_the_step() -> None:
    clock = Hasty(start=1000.0)
    clock.hold()
    hosting: Any = SimpleNamespace(settings=SimpleNamespace(clock=clock))
    endpoint: Any = SimpleNamespace(status="Updating", fleet=object(), lock=threading.RLock())
    deployment = Deployment(endpoint, hosting, {}, Plan((Step(1.0, BAKE_SECONDS),)))

    shifting = threading.Thread(target=Deployments(hosting, lambda *_: None)._shift, args=(deployment,), daemon=True)
    shifting.start()
    shifting.join(5)
    ended = not shifting.is_alive()
    endpoint.status = "Deleting"

    assert ended
    assert (endpoint.stage, endpoint.share) == ("Baking", 1.0)
