"""The smoke of a stage: what stands is told, what does not ends it by name, and a rollout under way is waited for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from retide.cli.failures import CliError
from retide.cli.output import Progress
from retide.cli.stage import Stage
from retide.demo.smoke import PATIENCE, Patience, smoke
from retide.domain.ledger import EndpointRecord
from retide.ports import EndpointState

FREE = EndpointRecord(version=3, token=7)
TAKEN = EndpointRecord(version=3, token=8, owner="rollout")
NEWER = EndpointRecord(version=4, token=8)
NOTHING = EndpointRecord()


@dataclass
class Standing:
    """A stage of one model; `records` are what the ledger says of its endpoint, look by look, the last for ever."""

    records: list[EndpointRecord] = field(default_factory=lambda: [NOTHING])
    endpoint: str | None = "InService"
    stacks: Mapping[str, str] = field(default_factory=dict)
    machine: str = "ACTIVE"

    def stage(self) -> Stage:
        endpoints = SimpleNamespace(describe=lambda _: self.endpoint and EndpointState(self.endpoint, "config", ""))
        states = SimpleNamespace(describe_state_machine=self._machine)
        return cast(
            Stage,
            SimpleNamespace(
                name="prod",
                models=("tumour",),
                stack=lambda name: {"StackStatus": self.stacks.get(name, "UPDATE_COMPLETE")},
                output=lambda name: name,
                clients=SimpleNamespace(states=states),
                ledger=SimpleNamespace(
                    endpoint=lambda _: self._record(), head=lambda _: SimpleNamespace(champion=None)
                ),
                endpoint=lambda model: f"retide-prod-{model}",
                endpoints=endpoints,
            ),
        )

    def _machine(self, stateMachineArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        return {"name": stateMachineArn, "status": self.machine}

    def _record(self) -> EndpointRecord:
        return self.records.pop(0) if len(self.records) > 1 else self.records[0]


def looked(standing: Standing, patience: Patience | None = None) -> str:
    said = StringIO()
    smoke(standing.stage(), Progress(Console(file=said, width=200)), patience)
    return said.getvalue()


def waiting(seconds: Iterable[float]) -> tuple[Patience, list[float]]:
    """Patience whose clock shows these seconds, and the pauses that were made."""
    times, pauses = iter(seconds), list[float]()
    return Patience(lambda: next(times), pauses.append), pauses


def test_a_stage_without_a_served_model_stands_and_says_that_nothing_is_served() -> None:
    said = looked(Standing())
    assert "retide-prod-serving" in said
    assert "serves nothing yet" in said


@pytest.mark.parametrize(
    "status", ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "DELETE_FAILED", "UPDATE_IN_PROGRESS"]
)
def test_a_stack_that_is_not_as_it_was_deployed_ends_the_smoke_by_its_name(status: str) -> None:
    with pytest.raises(CliError, match=f"stack retide-prod-serving is {status}"):
        looked(Standing(stacks={"retide-prod-serving": status}))


def test_a_machine_that_goes_away_ends_the_smoke_by_its_name() -> None:
    with pytest.raises(CliError, match="RetrainMachineArn is DELETING, not ACTIVE"):
        looked(Standing(machine="DELETING"))


@pytest.mark.parametrize(("status", "shown"), [(None, "gone"), ("Failed", "Failed"), ("OutOfService", "OutOfService")])
def test_a_model_that_should_be_served_and_is_not_ends_the_smoke(status: str | None, shown: str) -> None:
    with pytest.raises(CliError, match=f"endpoint retide-prod-tumour is {shown}, not InService"):
        looked(Standing(records=[FREE], endpoint=status))


def test_a_model_whose_records_are_missing_is_not_called_sound() -> None:
    with pytest.raises(CliError, match="tumour has no champion"):
        looked(Standing(records=[FREE]))


def test_a_rollout_under_way_is_waited_for() -> None:
    patience, pauses = waiting(float(second) for second in range(100))
    with pytest.raises(CliError, match="not InService"):
        looked(Standing(records=[TAKEN, TAKEN, NEWER], endpoint="Failed"), patience)
    assert len(pauses) == 2


def test_a_rollout_that_never_ends_is_named_and_not_waited_for_for_ever() -> None:
    patience, _ = waiting([0.0, 1.0, PATIENCE + 1])
    with pytest.raises(CliError, match="a rollout of tumour has been under way for 15 minutes"):
        looked(Standing(records=[TAKEN]), patience)


def test_an_answer_is_asked_for_again_only_where_a_rollout_came_in_between() -> None:
    standing = Standing(records=[FREE, FREE, NEWER], endpoint="Updating")
    with pytest.raises(CliError, match="is Updating"):
        looked(standing)
    assert standing.records == [NEWER], "the records were looked at again after the failure"
