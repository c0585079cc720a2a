"""Check for real what the demo claims: a served prediction equals what the evaluation recorded for that model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from retide.cli.commands.data import invoke
from retide.cli.failures import CliError
from retide.cli.stage import Stage
from retide.domain import layout
from retide.domain.evaluation import Golden, GoldenSet, read
from retide.domain.ledger import Champion
from retide.ports import ObjectGone

TOLERANCE: Final = 1e-5


def expect(holds: bool, claim: str) -> None:
    """Raises CliError where the demo's claim does not hold."""
    if not holds:
        raise CliError(f"the demo's check failed: {claim}")


def champion(stage: Stage, model: str) -> Champion:
    found = stage.ledger.head(model).champion
    if found is None:
        raise CliError(f"the demo's check failed: {model} has no champion")
    return found


def golden(stage: Stage, model: str) -> tuple[int, Mapping[str, Any]]:
    """Ask the endpoint for every golden record of the champion; how many agreed, and the first answer."""
    asked = recorded(stage, model)
    answers = invoke(stage, model, request(asked))["predictions"]
    expect(len(answers) == len(asked) > 0, f"{len(asked)} records were sent, {len(answers)} answers came")
    for position, (answer, one) in enumerate(zip(answers, asked, strict=True), start=1):
        problem = differs(answer, one.prediction)
        expect(not problem, f"golden record {position}: the endpoint's {problem}")
    return len(answers), answers[0]


def recorded(stage: Stage, model: str) -> Sequence[Golden]:
    """The champion's golden records: what the evaluation sent, and what it was answered."""
    serving = champion(stage, model)
    key = layout.run(serving.run, model, "evaluation/golden.json")
    try:
        return read(GoldenSet, stage.objects.get(key), key).requests
    except ObjectGone:
        raise CliError(f"the demo's check failed: {key} is not there") from None


def request(asked: Sequence[Golden]) -> bytes:
    """What is sent to an endpoint for these records."""
    return json.dumps({"records": [one.record for one in asked]}).encode()


def differs(seen: Any, recorded: Any, where: str = "answer") -> str:
    """Where an answer departs from what was recorded; empty where it agrees within the tolerance."""
    if isinstance(recorded, Mapping) and isinstance(seen, Mapping):
        if missing := recorded.keys() ^ seen.keys():
            return f"{where} differs in {', '.join(sorted(missing))}"
        found = (differs(seen[name], recorded[name], f"{where}.{name}") for name in recorded)
        return next(filter(None, found), "")
    if _is_number(recorded) and _is_number(seen):
        agrees = math.isclose(seen, recorded, rel_tol=0.0, abs_tol=TOLERANCE)
    else:
        agrees = seen == recorded
    return "" if agrees else f"{where} is {seen!r}, the evaluation recorded {recorded!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
