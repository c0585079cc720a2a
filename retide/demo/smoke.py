"""Look at a deployed stage without changing it: do stacks and machines stand, does each endpoint answer as judged?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from retide.cli.failures import CliError
from retide.cli.output import Progress
from retide.cli.stage import STACKS, Stage
from retide.demo.checks import golden

SOUND: Final = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}
)
PAUSE: Final = 2.0
PATIENCE: Final = 900.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How a rollout under way is waited for; a test brings a clock of its own."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def smoke(stage: Stage, progress: Progress, patience: Patience | None = None) -> None:
    """Say what stands; raises CliError naming the first thing that does not."""
    for what, seen in (*_stacks(stage), *_machines(stage), *_endpoints(stage, patience or Patience())):
        progress.line("done", what, seen)


def _stacks(stage: Stage) -> Iterator[tuple[str, str]]:
    for part in STACKS:
        name = f"retide-{stage.name}-{part}"
        status = stage.stack(name)["StackStatus"]
        if status not in SOUND:
            raise CliError(f"stack {name} is {status}: see its events in the console, then deploy again")
        yield name, status


def _machines(stage: Stage) -> Iterator[tuple[str, str]]:
    for output in ("RetrainMachineArn", "RolloutMachineArn"):
        machine = stage.clients.states.describe_state_machine(stateMachineArn=stage.output(output))
        if machine["status"] != "ACTIVE":
            raise CliError(f"state machine {machine['name']} is {machine['status']}, not ACTIVE: deploy again")
        yield machine["name"], "ACTIVE"


def _endpoints(stage: Stage, patience: Patience) -> Iterator[tuple[str, str]]:
    for model in stage.models:
        if not _settled(stage, model, patience).version:
            yield model, "serves nothing yet: push data for it"
        else:
            yield model, _answers(stage, model, patience)


def _answers(stage: Stage, model: str, patience: Patience) -> str:
    """The golden records of what serves; once more where a rollout came in between."""
    before = _settled(stage, model, patience)
    try:
        return _answer(stage, model, before.version)
    except CliError:
        after = _settled(stage, model, patience)
        if after.token == before.token:
            raise
        return _answer(stage, model, after.version)


def _answer(stage: Stage, model: str, version: int) -> str:
    name = stage.endpoint(model)
    state = stage.endpoints.describe(name)
    if state is None or state.status != "InService":
        raise CliError(
            f"endpoint {name} is {state.status if state else 'gone'}, not InService: `retide explain {model}`"
        )
    agreed, _ = golden(stage, model)
    return f"version {version} serves; {agreed} of {agreed} golden records are answered as they were judged"


def _settled(stage: Stage, model: str, patience: Patience) -> Any:
    """What the endpoint serves once nobody is changing it."""
    until = patience.clock() + PATIENCE
    while (record := stage.ledger.endpoint(model)).owner is not None:
        if patience.clock() > until:
            raise CliError(f"a rollout of {model} has been under way for {PATIENCE / 60:.0f} minutes: `retide watch`")
        patience.sleep(PAUSE)
    return record
