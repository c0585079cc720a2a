"""An A/B test in words for a person: how both versions answered, where they differ, and which was right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from retide.cli.output import table
from retide.cli.times import clock
from retide.domain.ab_quality import FEWEST
from retide.domain.ab_report import Report, Side
from retide.domain.contract import Contract
from retide.domain.ledger import AbTest


def told(found: Report, contract: Contract, failed: tuple[int, int] = (0, 0)) -> Iterator[RenderableType]:
    test = found.test
    yield Text(f"A/B test {test.name}: {test}", style="bold")
    yield Text(f"  asked by {test.by}, {clock(test.asked_at)}: {test.reason}")
    yield Text(f"  {_state(test)}")
    rows = table("version", ">errors", ">answers", ">known rows", ">with truth", f">{found.score}")
    means = (found.gain.champion, found.gain.challenger) if found.gain else (None, None)
    sides = zip((found.champion, found.challenger), ("champion", "challenger"), failed, means, strict=True)
    for side, name, count, mean in sides:
        rows.add_row(*_row(side, name, count, mean))
    yield rows
    yield from map(Text, _differences(found))
    yield from map(Text, _quality(found, contract))


def _row(side: Side, name: str, failed: int, mean: float | None) -> tuple[str, ...]:
    score = "-" if mean is None else f"{mean:.4g}"
    counts = (failed, side.answers, side.known, side.scored)
    return f"{side.version} ({name})", *map(str, counts), score


def _state(test: AbTest) -> str:
    if test.ended_at:
        began = f"began {clock(test.began_at)}, " if test.began_at else "never began; "
        return f"{began}{test.outcome} {clock(test.ended_at)}: {test.why}"
    return f"runs since {clock(test.began_at)}" if test.began_at else "is on its way to the endpoint"


def _differences(found: Report) -> Iterator[str]:
    agreed = found.agreement
    if agreed and agreed.same is not None:
        yield f"Of {agreed.answers} requests that both answered, {agreed.same} got the same label from both."
    elif agreed:
        yield (
            f"Of {agreed.answers} requests that both answered, the values are {agreed.mean_difference:.4g} apart on "
            f"average, {agreed.largest_difference:.4g} at most."
        )
    if found.shift:
        yield f"Answers as a whole depart by a PSI of {found.shift.excess:.3f} beyond what chance explains."
    if found.unread:
        yield f"{found.unread} answers are no JSON, and are not looked at."


def _quality(found: Report, contract: Contract) -> Iterator[str]:
    gain = found.gain
    if gain is None:
        known = ", ".join(contract.id) or "id"
        yield (
            f"Not enough truth yet: {FEWEST} rows of each version are needed. It comes with accepted rows, or with "
            f"--truth FILE, and is matched by {known}, which is the InferenceId of a request (or in its row, where "
            "`serving.capture` is 100)."
        )
        return
    how = "row by row" if found.test.shadow else "two samples"
    yield (
        f"Gain in {found.score}, {how}: {gain.estimate:+.4g}, with 95 % confidence at every look between "
        f"{gain.low:+.4g} and {gain.high:+.4g}: the challenger is {_WORDS[gain.verdict]}."
    )


_WORDS: Final = {
    "better": "better (`retide ab stop --promote` approves it)",
    "worse": "worse",
    "undecided": "neither better nor worse, as far as one can see yet",
}
