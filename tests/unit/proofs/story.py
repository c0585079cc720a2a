"""The story that crashes and errors are put into: files, some bad, some large, become a served model, then a better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from retide.domain.events import AbTestAsked, AbTestEnded, ab_end_message, ab_test_message
from retide.ports import Status
from tests.unit.proofs.asl import Execution
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.universe import Universe

INSTANCES = "instances"
FILES = ((b"good 1", b"bad 1"), (b"good 3", b"good 4, too large for a function", b"bad 5, too large as well"))

TUNED = "tuned"
BOOSTED = "boosted"
TESTED = "tried"
CLUSTER = {"distributed": {"instances": 2}}
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
    boosts: int = 0

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
            len(universe.sagemaker.boosts),
        )


Step = Callable[[Universe, Execution], None]


def tell(step: Step = Universe.step, dooms: tuple[str, str] = ("", ""), make: type[Universe] = Universe) -> Universe:
    """Both batches, one after the other, each until all is at rest; `step` carries out the steps, as it likes.

    `dooms` is what is wrong with the version that a batch leads to: nothing, sick, wrong, turned or damaged. Some are
    no faults: with TUNED each model's hyperparameters are found by a tuning job, with BOOSTED several
    instances train it together, with INSTANCES it is served on them (of another type the second time), and with TESTED
    a person approves the first there, has the second in its shadow, and then promotes that.
    """
    universe = _made(dooms, make)
    for number, batch in enumerate(FILES):
        doom = dooms[number]
        universe.sagemaker.doom = "" if doom in (TUNED, BOOSTED, INSTANCES, TESTED) else doom
        if INSTANCES in dooms and number:
            universe.sagemaker.retype()
        _bring(universe, number, batch, step)
        if TESTED in dooms:
            _decide(universe, number, step)
    return universe


def _made(dooms: tuple[str, str], make: type[Universe]) -> Universe:
    serving = {"profile": "instance", "max_instances": 4} if {INSTANCES, TESTED} & {*dooms} else {}
    policy = {"approval": "manual", "expire_after_hours": 0} if TESTED in dooms else {}
    training = CLUSTER if BOOSTED in dooms else {}
    return make(tuning=SEARCH if TUNED in dooms else {}, training=training, serving=serving, policy=policy)


def _bring(universe: Universe, number: int, batch: tuple[bytes, ...], step: Step) -> None:
    for place, data in enumerate(batch):
        universe.deliver(universe.put(f"incoming/m/{number}-{place}.csv", data))
    _go_on(universe, step)


def _go_on(universe: Universe, step: Step) -> None:
    while universe.executions.live or universe.queue:
        for message in list(universe.queue):
            universe.deliver(message)
        for execution in universe.executions.live:
            step(universe, execution)
    Watch(universe, step=step).rest()


def _decide(universe: Universe, number: int, step: Step) -> None:
    if number == 0:
        universe.registry.judge(universe.registry.packages[0].arn, Status.APPROVED, "good")
        universe.collect()
    else:
        universe.post(ab_test_message(AbTestAsked("m", 1, 2, 0, "ada", "is it better?", "t0")))
        _go_on(universe, step)
        universe.post(ab_end_message(AbTestEnded("m", "t0", True, "ada", "it is", "k0")))
    _go_on(universe, step)


def tried() -> Universe:
    """Version 1 serves on instances, and version 2 waits for a person."""
    universe = _made((TESTED, TESTED), Universe)
    _bring(universe, 0, FILES[0], Universe.step)
    _decide(universe, 0, Universe.step)
    _bring(universe, 1, FILES[1], Universe.step)
    return universe
