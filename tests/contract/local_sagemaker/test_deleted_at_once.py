"""An endpoint that is deleted before its servers are started starts none."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from retide.local.clock import Clock
from retide.local.interfaces import Settings
from retide.local.processes import Registry
from retide.local.sagemaker.deployments import Deployment, Deployments, Endpoint
from retide.local.sagemaker.guardrails import Plan
from retide.local.sagemaker.models import SERVING_MODULE
from retide.local.sagemaker.named import Named
from tests.contract.local_sagemaker.bench import IMAGE, images

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VARIANT = {"VariantName": "only", "ModelName": "model"}


class Reluctant(Registry):
    """Starts nothing, and remembers what it was asked for."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.asked = list[Any]()

    def spawn(self, command: Any, **_: Any) -> NoReturn:
        self.asked.append(command)
        raise OSError("nothing is started here")


def asked(folder: Path, clock: Clock, status: str) -> list[Any]:
    """What an endpoint starts that is in this status when its deployment gets to run."""
    registry = Reluctant(folder)
    settings = Settings(folder, "http://127.0.0.1:1", images(), clock)
    logs: Any = SimpleNamespace(follow=lambda *_: None, leave=lambda *_: None)
    hosting: Any = SimpleNamespace(settings=settings, registry=registry, buckets=None, logs=logs)
    endpoint = Endpoint("hasty", "arn", "config", NOW, NOW, status)
    config = Named("config", "arn", {"ProductionVariants": [VARIANT]}, NOW)
    models = {"only": {"PrimaryContainer": {"Image": IMAGE, "Environment": {SERVING_MODULE: "app:app"}}}}
    before = set(threading.enumerate())
    Deployments(hosting, lambda *_: None).start(Deployment(endpoint, config, models, Plan(())))
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
    return registry.asked


def test_an_endpoint_that_is_deleted_before_its_servers_are_started_starts_none(tmp_path: Path, clock: Clock) -> None:
    assert len(asked(tmp_path / "wanted", clock, "Creating")) == 1
    assert asked(tmp_path / "deleted", clock, "Deleting") == []
