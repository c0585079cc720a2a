"""Tell of a search for hyperparameters: who was tried, on how many rows, and who won."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from retide.cli.output import counted, plain, table
from retide.domain.contract import Direction
from retide.domain.contract_metric import DIRECTIONS
from retide.domain.evaluation import Candidate, Search

SHOWN: Final = 5  # candidates; `retide explain --json` has all


def search(found: Search) -> Iterator[RenderableType]:
    """The best candidates of each who came furthest, the winner first; the first one is the contract's own."""
    sizes = " → ".join(f"{step.candidates} on {step.rows} rows" for step in found.rounds)
    yield Text(f"{counted(len(found.candidates), 'candidate')} by cross-validation within the training part: {sizes}.")
    yield _candidates(found)
    failed = [one for one in found.candidates if one.failure]
    if failed:
        told = f"the first, {_params(failed[0].params)}: {plain(failed[0].failure)}"
        yield Text(f"! {counted(len(failed), 'candidate')} failed, {told}", style="yellow")


def _candidates(found: Search) -> Table:
    winner = found.candidates[found.winner]
    sign = 1 if DIRECTIONS.get(found.metric) is Direction.MAXIMIZE else -1
    others = sorted((one for one in found.candidates if one is not winner), key=lambda one: _rank(one, sign))
    rows = table("parameters", "estimator", f">{found.metric}", ">rounds", "")
    for one in (winner, *others)[:SHOWN]:
        last = _last(one)
        score = "-" if last is None else f"{last:.4f}"
        rows.add_row(Text(_params(one.params)), one.estimator, score, str(len(one.scores)), "trained" * (one is winner))
    return rows


def _last(one: Candidate) -> float | None:
    return one.scores[-1] if one.scores and not one.failure else None


def _rank(one: Candidate, sign: int) -> tuple[float, float]:
    """Who came further stands first, then who scored better there."""
    last = _last(one)
    return (0.0, 0.0) if last is None else (-len(one.scores), -sign * last)


def _params(params: Mapping[str, Any]) -> str:
    return plain(", ".join(f"{name}={value}" for name, value in params.items())) or "as build has them"
