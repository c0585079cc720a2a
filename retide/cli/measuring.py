"""Tell what an evaluation found: figures side by side, what a model says from when on, and what it learned from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from retide.cli.output import counted, plain, table
from retide.domain.evaluation import Evaluation, Scores

MOST_FEATURES: Final = 8


def measured(evaluation: Evaluation) -> Iterator[RenderableType]:
    held = f" ({plain(evaluation.holdout)})" if evaluation.holdout else ""
    yield Text(f"On {evaluation.holdout_rows} rows of the holdout{held}, which no model was trained on:")
    yield _metrics(evaluation)
    yield from map(Text, _labels_and_intervals(evaluation.challenger))
    if evaluation.gain:
        gain = evaluation.gain
        yield Text(
            f"Gain in {evaluation.metric}: {gain.estimate:+.4g}; with {gain.confidence:.0%} confidence "
            f"at least {gain.low:+.4g}, and with as much at most {gain.high:+.4g}."
        )
    if evaluation.importance:
        more = len(evaluation.importance) - MOST_FEATURES
        others = f" (and {counted(more, 'more feature')})" if more > 0 else ""
        yield Text(f"What it learned from, by what the score loses where a feature's values change places{others}:")
        yield _importance(evaluation)
    if evaluation.champion_skipped:
        yield Text(f"The champion was not scored: {evaluation.champion_skipped}.")


def _labels_and_intervals(scores: Scores) -> Iterator[str]:
    """What the challenger makes of probabilities and values."""
    cut, interval = scores.threshold, scores.interval
    if cut:
        chosen = f"chosen for {cut.by} on {cut.rows} training rows it had not learned" if cut.rows else "the contract's"
        yield f"It says {cut.label} from a probability of {cut.value:.4g} on, {chosen}."
    if interval and interval.low is not None and interval.high is not None:
        held = scores.metrics.get("coverage", math.nan)
        yield (
            f"Its intervals for {interval.level:.0%} of the values, {interval.low:+.4g} to {interval.high:+.4g} round "
            f"each prediction, held {held:.1%} of the holdout."
        )
    elif interval:
        yield f"It has no prediction interval: {plain(interval.lacking)}."


def _importance(evaluation: Evaluation) -> Table:
    """The features that the score hangs on most."""
    rows = table("feature", f">{evaluation.metric} lost", ">deviation")
    for one in evaluation.importance[:MOST_FEATURES]:
        rows.add_row(Text(one.feature), f"{one.mean:+.4g}", f"{one.deviation:.2g}")
    return rows


def _metrics(evaluation: Evaluation) -> Table:
    champion = evaluation.champion
    columns = (
        "metric",
        ">challenger",
        *((">champion",) if champion else ()),
        *((">constant",) if evaluation.baseline else ()),
    )
    rows = table(*columns)
    for name, value in evaluation.challenger.metrics.items():
        others = [champion.metrics.get(name)] if champion else []
        others += [evaluation.baseline.get(name)] if evaluation.baseline else []
        style = "bold" if name == evaluation.metric else ""
        rows.add_row(name, f"{value:.4f}", *("-" if other is None else f"{other:.4f}" for other in others), style=style)
    return rows
