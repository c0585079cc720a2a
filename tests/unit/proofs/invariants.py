"""What must hold of a stage, always and at rest: the invariants I1 to I8 of the architecture, said as code."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from retide.domain import layout
from retide.domain.intake import Delay
from retide.domain.ledger import ObjectState
from retide.ledger.keys import OBJECT, partition
from retide.ports import Kind, Status
from tests.unit.proofs.asl import Execution
from tests.unit.proofs.universe import Universe

VERSION: Final = re.compile(r"-v(\d+)-[0-9a-f]{6}$")
JOB: Final = re.compile(r"^retide-dev-(.+-\d+-\d+)-[0-9a-f]{6}$")
WORK: Final = (("retrain", "claim", "claimed", "Release"), ("rollout", "rollout", "proceed", "Finish"))
"""For each machine: where its lease's outcome lies, the one with which it works, and how its last steps begin."""

type Item = Mapping[str, Any]

ROUNDS: Final = 60
GIVEN_UP: Final = 3  # failed rollouts of a version, after which somebody must look into it


class Violated(AssertionError):
    """An invariant does not hold."""


@dataclass
class Watch:
    """Looks at a universe again and again, and remembers what may not be taken back.

    A large one is looked at `often` only where a test is about that: each look goes over all items. `step` carries out
    what still runs when everything is to come to rest.
    """

    universe: Universe
    often: bool = True
    step: Callable[[Universe, Execution], None] = Universe.step
    objects: dict[str, dict[str, Item]] = field(default_factory=dict)
    deployed: dict[str, int] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    looks: int = 0

    def look(self) -> None:
        """What holds at every moment."""
        self.looks += 1
        for model in self.universe.models:
            self._ends_are_final(model)
            self._deployed_goes_forward(model)
            self._one_works(model)
        self._one_change_in_flight()
        self._what_serves_may_serve()

    def _ends_are_final(self, model: str) -> None:
        now = {item["id"]: item for item in self.universe.table.query(partition(model), OBJECT)}
        before, self.objects[model] = self.objects.get(model, {}), now
        held, holds = _holders(before.values()), _holders(now.values())
        twice = [names for names in holds.values() if len(names) > 1]
        _hold(not twice, f"I1: {twice[:1]} of {model} are the same rows, and all of them are data")
        _hold(before.keys() <= now.keys(), f"I1: {before.keys() - now.keys()} of {model} are known no more")
        for name, item in now.items():
            was, state = before.get(name, item), ObjectState(item["state"])
            same = was["state"] == state or not ObjectState(was["state"]).terminal
            follows = not same and _follows(was, item, now, held)
            self.universe.seen["succession"] += follows
            _hold(same or follows, f"I1: {item['key']} of {model} was {was['state']} and is {state}")
            kept = state is not ObjectState.DUPLICATE or "deleted_at" in item or item["curated"] in holds
            _hold(kept, f"I1: {item['key']} of {model} is a duplicate of what is no data any more")

    def _deployed_goes_forward(self, model: str) -> None:
        stands = self.universe.ledger.endpoint(model)
        version, before = stands.version, self.deployed.get(model, 0)
        _hold(
            version >= before or before in stands.withdrawn, f"I4: {model} served version {before} and then {version}"
        )
        self.deployed[model] = version

    def _one_works(self, model: str) -> None:
        """Of the living runs one has claimed the model's work, of the living rollouts one changes its endpoint."""
        for machine, given, proceeds, ends in WORK:
            working = [
                execution.arn
                for execution in self.universe.executions.live
                if (execution.machine, execution.data["model"]) == (machine, model)
                and execution.data.get(given, {}).get("outcome") == proceeds
                and not any(state.startswith(ends) for state in execution.history)
            ]
            _hold(len(working) <= 1, f"I2, I3: {working} work at the same time")

    def _one_change_in_flight(self) -> None:
        _hold(not self.universe.collisions, f"I3: {self.universe.collisions[:1]}")

    def _what_serves_may_serve(self) -> None:
        sagemaker = self.universe.sagemaker
        for name, endpoint in sagemaker.endpoints.items():
            if not endpoint.config:
                continue
            _hold(endpoint.config in sagemaker.configs, f"I6: {name} serves {endpoint.config}, which is gone")
            models = {*sagemaker.models_of(endpoint.config)}
            _hold(models <= sagemaker.models.keys(), f"I6: {name} serves {models}, of which some are gone")
            facts = self.universe.registry.describe(
                _arn(VERSION.sub("", name).removesuffix("-instances"), endpoint.config)
            ).facts
            _hold(facts["decision"] != "rejected", f"I5: {name} serves {endpoint.config}, whose gate failed")

    # ------------------------------------------------------------ at rest

    def rest(self) -> None:
        """Let everything come that is on its way, and everything end that runs; then look at what is left."""
        self.universe.effects.clear()
        self.universe.sagemaker.sick.clear()
        for round_ in range(ROUNDS):
            if not self._settle():
                break
            _hold(round_ < ROUNDS - 1, "I7: it never comes to rest")
        try:
            for model in self.universe.models:
                self._is_at_rest(model)
                self._trained_once(model)
            self._searched_once(model)
            self._boosted_once(model)
            self._accounts_add_up()
        except Violated as violated:
            raise Violated(f"{violated}\n{story(self.universe)}") from None

    def _settle(self) -> bool:
        """Everything that moves comes to its end, and a day passes; whether anything moved."""
        universe, moved = self.universe, False
        while universe.queue or universe.executions.live or universe.zombies:
            moved = True
            for zombie in list(universe.zombies):
                universe.wake(zombie)
            for message in list(universe.queue):
                universe.deliver(message)
            for execution in universe.executions.live:
                self.step(universe, execution)
            if self.often:
                self.look()
        universe.pass_a_day()
        said, self.said = self.said, universe.reconcile().acts
        self.look()
        return moved or said != self.said or bool(universe.queue)

    def _is_at_rest(self, model: str) -> None:
        ledger = self.universe.ledger
        head, stands, waiting = ledger.head(model), ledger.endpoint(model), ledger.waiting(model)
        _hold(head.owner is None, f"I7: the lease of {model} is held by {head.owner}")
        _hold(stands.owner is None, f"I7: the endpoint of {model} is held by {stands.owner}")
        self._no_run_is_forgotten(model)
        known = {*ledger.held(model), *waiting.objects}
        for item in ledger.objects(model):
            kept = item.state.terminal or (layout.ObjectVersion(item.key, item.version) in known and item.run is None)
            _hold(kept, f"I1: {item.key} is {item.state} for {item.run}, and nobody knows of it")
        excused = self._only_code(model) or fuse_is_blown(self.universe, model)
        _hold(not waiting.fresh or excused, f"I7: {waiting} waits without a reason")
        self._serves_the_newest(model)

    def _no_run_is_forgotten(self, model: str) -> None:
        """A run that began has ended; one that died has an heir, or somebody is told to look."""
        runs = self.universe.ledger.runs(model)
        for run in runs:
            _hold(run.state != "running", f"I7: run {run.run} is said to run, and nothing does")
        last = runs[-1] if runs else None
        told = last is not None and any("somebody" in reason for reason in last.reasons)
        told = told or fuse_is_blown(self.universe, model)
        _hold(last is None or last.state == "ended" or told, f"I7: nobody goes on where {last and last.run} died")

    def _only_code(self, model: str) -> bool:
        """New code alone waits for the first data."""
        waiting = self.universe.ledger.waiting(model)
        return not waiting.objects and not self.universe.ledger.accepted(model)

    def _serves_the_newest(self, model: str) -> None:
        universe, group = self.universe, f"retide-dev-{model}"
        stands = universe.ledger.endpoint(model)
        approved = [
            version
            for version, _, status in universe.registry.versions(group)
            if status is Status.APPROVED and version not in stands.withdrawn
        ]
        newest = max(approved, default=0)
        failed = sum(
            release.verdict == "failed" for release in universe.ledger.releases(model) if release.version == newest
        )
        behind = newest > stands.standing and failed < GIVEN_UP
        _hold(not behind, f"I7: version {newest} is approved, {stands.version} is deployed")
        endpoint = universe.sagemaker.endpoints.get(stands.endpoint or group)
        if stands.version and stands.version == newest and failed < GIVEN_UP:
            config = endpoint.config if endpoint else ""
            _hold(config == stands.config, f"I7: {group} serves {config!r}, and the ledger says {stands.config}")
        trials = universe.sagemaker.names(Kind.ENDPOINT, group)
        _hold(not trials or failed > 0, f"{trials} are left behind")
        if endpoint and endpoint.config and not endpoint.coming:
            served = int(_version(endpoint.config))
            may = served not in stands.withdrawn or (served == stands.version and (not newest or failed >= GIVEN_UP))
            _hold(may, f"I5: {group} serves version {served}, which was withdrawn")

    def _trained_once(self, model: str) -> None:
        """One job for the same data and code, unless a person asked for more."""
        seen: dict[tuple[object, ...], str] = {}
        for name in self.universe.sagemaker.jobs:
            found = JOB.match(name)
            if found is None or found[1].rsplit("-", 2)[0] != model:
                continue
            plan = self._plan(found[1], model)
            record = self.universe.ledger.run(layout.RunId.parse(found[1]))
            causes = record.causes if record else ()
            made = (plan["dataset"], plan["code_digest"], plan["contract_digest"])
            _hold(made not in seen or "person" in causes, f"I2: {seen.get(made)} and {name} trained the same: {causes}")
            seen.setdefault(made, name)

    def _searched_once(self, model: str) -> None:
        """One tuning job for the same data and code, but for those that a person asked for."""
        seen: Counter[tuple[str, str]] = Counter()
        for made in self.universe.sagemaker.tunings.values():
            told = made["TrainingJobDefinition"]["StaticHyperParameters"]
            if told["model"] == model:
                seen[told["dataset"], told["code_digest"]] += 1
        persons = sum("person" in run.causes for run in self.universe.ledger.runs(model))
        again = sum(count - 1 for count in seen.values())
        _hold(again <= persons, f"I2: {again} searches were made again, and people asked {persons} times")

    def _boosted_once(self, model: str) -> None:
        """Instances learned together once for the same data and code, but where a person asked for more."""
        seen: Counter[tuple[str, str]] = Counter()
        for name in self.universe.sagemaker.boosts:
            run, _, _ = name.removeprefix("retide-dev-").rpartition("-boost-")
            if run.rsplit("-", 2)[0] == model:
                plan = self._plan(run, model)
                seen[str(plan["dataset"]), str(plan["code_digest"])] += 1
        persons = sum("person" in run.causes for run in self.universe.ledger.runs(model))
        again = sum(count - 1 for count in seen.values())
        _hold(again <= persons, f"I2: instances learned {again} times again, and people asked {persons} times")

    def _plan(self, run: str, model: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.universe.objects.get(layout.run(run, model, "plan.json")))
        return found

    def _accounts_add_up(self) -> None:
        """Every message that was received has one receipt, or is a dead letter, or was one."""
        universe = self.universe
        receipts = [receipt for model in (*universe.models, "") for receipt in universe.ledger.receipts(model)]
        counted = Counter(receipt.message for receipt in receipts)
        twice = [name for name, count in counted.items() if count > 1]
        _hold(not twice, f"I8: {twice[:1]} has more than one receipt")
        missing = universe.received.keys() - universe.dead - counted.keys()
        _hold(
            not missing, f"I8: {sorted(missing)[:1]} has no receipt: {universe.received.get(min(missing, default=''))}"
        )


def fuse_is_blown(universe: Universe, model: str) -> bool:
    """Runs die before they claim anything: people are told, and what waits does so until one of them asks."""
    deferral = universe.ledger.deferral(model)
    said = f"{model}: what waits is started when somebody asks for it"
    told = any(said in text for _, text in universe.notices.published)
    return deferral is not None and deferral.delay is Delay.FUSE and told


def story(universe: Universe) -> str:
    """What happened in a universe, as far as its own records tell."""
    lines = [f"{run.arn} {run.status} {run.error}: {run.state}" for run in universe.executions.known.values()]
    for model in universe.models:
        ledger = universe.ledger
        lines += [f"run {run.run} {run.state} {run.outcome} {run.reasons}" for run in ledger.runs(model)]
        lines += [f"release {end.version}-{end.attempt} {end.verdict}: {end.reason}" for end in ledger.releases(model)]
        lines += [
            f"package {found.version} {found.status}: {found.description}" for found in universe.registry.packages
        ]
        lines += [f"endpoint {ledger.endpoint(model)}", f"head {ledger.head(model)}"]
    lines += [f"{name} {endpoint}" for name, endpoint in universe.sagemaker.endpoints.items()]
    last = universe.ledger.reconciliation()
    return "\n".join([*lines, f"reconciled {last}"])


def _holders(items: Iterable[Item]) -> dict[str, list[str]]:
    """For rows that are data: the ids of the objects that brought them and are still there."""
    found: dict[str, list[str]] = {}
    for item in items:
        if item["state"] == ObjectState.ACCEPTED and "deleted_at" not in item:
            found.setdefault(item["curated"], []).append(item["id"])
    return found


def _follows(was: Item, item: Item, now: Mapping[str, Item], held: Mapping[str, list[str]]) -> bool:
    """Whether a duplicate that was still there took the place of the same rows, which were deleted since.

    Between two looks it may have been deleted in its turn. That nobody else took the same place is for who counts them.
    """
    turned = (was["state"], item["state"]) == (ObjectState.DUPLICATE, ObjectState.ACCEPTED)
    gone = any("deleted_at" in now[name] for name in held.get(was.get("curated", ""), ()))
    return turned and "deleted_at" not in was and gone


def _hold(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Violated(otherwise)


def _version(config: str) -> str:
    found = VERSION.search(config)
    assert found, config
    return found[1]


def _arn(endpoint: str, config: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{endpoint}/{_version(config)}"
