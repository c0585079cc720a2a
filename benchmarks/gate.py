"""How often the gate decides right: challengers better and worse by a known amount, judged by the real rules.

    python -m benchmarks.gate [--trials 1000] [--rows 1600]

Scores of two classes are normal (binormal model, Hanley & McNeil 1982), so the true ROC AUC is known in closed form:
Φ(d/√2) for a distance d. Champion and challenger share most of their noise, as two models of the same features do. Each
trial draws a holdout, computes the gain with the evaluation job's own bootstrap, and asks `retide.domain.gate`.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retide.domain import gate
from retide.domain.case import Case
from retide.domain.contract import Direction, Evidence, Metric
from retide.domain.evaluation import Evaluation, Gain, Scores, Segment
from training import bootstrap, metrics

MARGIN: Final = 0.02
CHAMPION: Final = 0.85
SHARED: Final = 0.95  # correlation of the noise of the two models
SEGMENTS: Final = 5
CONFIDENCE: Final = 0.95
STEPS: Final = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)  # true gains, in margins
NAME: Final = "roc_auc"
WIDTH: Final = 25
COLUMNS: Final = (
    "non_inferior",
    "superior",
    "estimate of at least 0",
    "a segment fell",
    "a segment fell by its estimate",
    "margin resolved",
)

type Floats = NDArray[np.float64]


def distance(auc: float) -> float:
    return math.sqrt(2) * NormalDist().inv_cdf(auc)


def probabilities(score: Floats, apart: float) -> Floats:
    """Of the true model: log odds of a normal score are linear in it."""
    positive = 1 / (1 + np.exp(-apart * (score - apart / 2)))
    return np.column_stack([1 - positive, positive])


def trial(gain: float, rows: int, seed: int) -> Evaluation:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 2, rows)
    common, own, others = generator.normal(size=(3, rows))
    alone = math.sqrt(1 - SHARED)
    distances = distance(CHAMPION), distance(CHAMPION + gain)
    noises = (math.sqrt(SHARED) * common + alone * noise for noise in (own, others))
    champion, challenger = (probabilities(truth * d + noise, d) for d, noise in zip(distances, noises, strict=True))
    found = compared(challenger, champion, truth, CONFIDENCE)
    scores = [metrics.score(NAME, truth, said) for said in (challenger, champion)]
    summaries = [Scores("job", "digest", {NAME: score}, {}, 1, 0.0) for score in scores]
    parts = tuple(segments(challenger, champion, truth, generator.integers(0, SEGMENTS, rows)))
    return Evaluation(
        "m", "classification", "d", NAME, "maximize", rows, summaries[0], summaries[1], found, parts, {NAME: 0.5}
    )


def segments(first: Floats, second: Floats, truth: NDArray[np.int64], group: NDArray[np.int64]) -> Iterator[Segment]:
    for number in range(SEGMENTS):
        rows = group == number
        gain = compared(first[rows], second[rows], truth[rows], 1 - (1 - CONFIDENCE) / SEGMENTS)
        one, other = (metrics.score(NAME, truth[rows], said[rows]) for said in (first, second))
        yield Segment(f"part={number}", int(rows.sum()), one, other, gain)


def compared(first: Floats, second: Floats, truth: NDArray[np.int64], confidence: float) -> Gain:
    differences = bootstrap.paired_differences(NAME, truth, first, second, count=bootstrap.RESAMPLES, seed=0)
    estimate = metrics.score(NAME, truth, first) - metrics.score(NAME, truth, second)
    return bootstrap.gain(estimate, differences, confidence)


def decisions(gain: float, rows: int, seed: int) -> Mapping[str, bool]:
    """What is decided about one holdout, by the rules of today and by those that they are compared with."""
    found = trial(gain, rows, seed)
    rules = {evidence: Metric(NAME, Direction.MAXIMIZE, evidence=evidence, margin=MARGIN) for evidence in Evidence}
    told = {evidence.value: gate.decide(Case(found, metric)) for evidence, metric in rules.items()}
    fallen = {name: any(f.rule.startswith("segment") and not f.passed for f in d.findings) for name, d in told.items()}
    by_eye = [one.challenger - one.champion for one in found.segments if one.champion is not None]
    return {
        **{name: decision.outcome is gate.Outcome.ACCEPTED for name, decision in told.items()},
        "a segment fell": fallen[Evidence.NON_INFERIOR.value],
        "a segment fell by its estimate": min(by_eye) < -2 * MARGIN,
        "margin resolved": all(f.passed for f in told[Evidence.SUPERIOR.value].findings if f.rule == "resolution"),
        "estimate of at least 0": found.gain is not None and found.gain.estimate >= 0,
    }


def shares(gain: float, rows: int, trials: int, workers: ProcessPoolExecutor) -> Mapping[str, float]:
    """Of each decision, over `trials` holdouts that no other gain shares."""
    first = round((gain + 1) * 1_000_000) * 10_000
    counted: Counter[str] = Counter()
    for told in workers.map(partial(decisions, gain, rows), range(first, first + trials), chunksize=25):
        counted.update({name: int(value) for name, value in told.items()})
    return {name: count / trials for name, count in counted.items()}


def curve(rows: int, trials: int, workers: ProcessPoolExecutor) -> None:
    print(f"\nholdout of {rows} rows, {trials} trials each: share of challengers accepted, margin {MARGIN:g}\n")
    print(f"| true gain | accepted, non_inferior | {' | '.join(COLUMNS)} |")
    print("|---" * (2 + len(COLUMNS)) + "|")
    for step in STEPS:
        found = shares(step * MARGIN, rows, trials, workers)
        bar = "█" * round(WIDTH * found["non_inferior"])
        told = " | ".join(f"{found[name]:.1%}" for name in COLUMNS)
        print(f"| {step:+g} margins | `{bar:<{WIDTH}}` | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 100])
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.workers) as workers:
        for rows in given.rows:
            curve(rows, given.trials, workers)


if __name__ == "__main__":
    main()
