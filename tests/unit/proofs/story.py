"""The story that crashes and errors are put into: files, some bad, some large, become a served model, then a better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.unit.proofs.asl import Execution
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.universe import Universe

INSTANCES = "instances"
FILES = ((b"good 1", b"bad 1"), (b"good 3", b"good 4, too large for a function", b"bad 5, too large as well"))

TUNED = "tuned"
SEARCH = {"candidates": 3, "on": "jobs", "space": {"C": {"min": 0.1, "max": 1}}}


@dataclass
class Ending:
    """What is left of a story, without what may differ: how often something was tried, and when."""

    objects: dict[str, str] = field(default_factory=dict)
    version: int = 0
    answers: bool = False
    jobs: int = 0
    packages: int = 0
    searches: int = 0

    @classmethod
    def of(cls, universe: Universe) -> Ending:
        stands = universe.ledger.endpoint("m")
        endpoint = universe.sagemaker.endpoints.get(stands.endpoint or "retide-dev-m")
        return cls(
            {item.key: item.state.value for item in universe.ledger.objects("m")},
            stands.version,
            endpoint is not None and endpoint.status == "InService" and endpoint.config == stands.config,
            len(universe.sagemaker.jobs),
            len(universe.registry.packages),
            len(universe.sagemaker.tunings),
        )


Step = Callable[[Universe, Execution], None]


def tell(step: Step = Universe.step, dooms: tuple[str, str] = ("", ""), make: type[Universe] = Universe) -> Universe:
    """Both batches, one after the other, each until all is at rest; `step` carries out the steps, as it likes.

    `dooms` is what is wrong with the version that a batch leads to: nothing, sick, wrong, turned or damaged. Two are no
    faults: with TUNED each model's hyperparameters are found by a tuning job, with INSTANCES it is served on them.
    """
    tuning = SEARCH if TUNED in dooms else {}
    universe = make(tuning=tuning, serving={"profile": "instance"} if INSTANCES in dooms else {})
    for number, batch in enumerate(FILES):
        universe.sagemaker.doom = dooms[number].removeprefix(TUNED).removeprefix(INSTANCES)
        for place, data in enumerate(batch):
            universe.deliver(universe.put(f"incoming/m/{number}-{place}.csv", data))
        while universe.executions.live or universe.queue:
            for message in list(universe.queue):
                universe.deliver(message)
            for execution in universe.executions.live:
                step(universe, execution)
        Watch(universe, step=step).rest()
    return universe
