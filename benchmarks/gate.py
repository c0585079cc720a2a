"""How often the gate decides right: challengers better and worse by a known amount, judged by the real rules.

    python -m benchmarks.gate [--trials 2000] [--rows 400]

Errors of champion and challenger are normal and share most of their noise, as those of two models of the same
features do: the true RMSE is their standard deviation. Each trial draws a holdout, computes the gain on the whole and
on each of five segments with the evaluation job's own measures and bounds, and asks `retide.domain.gate`. The resamples
are drawn once, as in the job, whose seed is fixed.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retide.domain import gate
from retide.domain.case import Case
from retide.domain.contract import Direction, Evidence, Metric
from retide.domain.evaluation import Evaluation, Gain, Scores, Segment
from training import bootstrap, metrics

NAME: Final = "rmse"
MARGIN: Final = 0.05  # of the champion's RMSE, which is 1
SHARED: Final = 0.93  # correlation of the two models' errors
SEGMENTS: Final = 5
CONFIDENCE: Final = 0.95
STEPS: Final = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)  # true gains, in margins
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


def trial(gain: float, rows: int, seed: int) -> Evaluation:
    """`rows` errors of a champion of RMSE 1 and a challenger of RMSE 1 - gain, in segments of equal size."""
    generator = np.random.default_rng(seed)
    common, own, other = generator.normal(size=(3, rows))
    champion, alone = (math.sqrt(SHARED) * common + math.sqrt(1 - SHARED) * noise for noise in (own, other))
    errors = (((1 - gain) * alone)[:, None], champion[:, None])
    challenger, former = (Scores("job", "digest", {NAME: score(said)}, {}, 1, 0.0) for said in errors)
    whole, parts = compared(*errors, CONFIDENCE), tuple(segments(*errors))
    return Evaluation("m", "regression", "d", NAME, "minimize", rows, challenger, former, whole, parts)


def segments(first: Floats, second: Floats) -> Iterator[Segment]:
    size = len(first) // SEGMENTS
    for number in range(SEGMENTS):
        rows = slice(number * size, (number + 1) * size)
        gain = compared(first[rows], second[rows], 1 - (1 - CONFIDENCE) / SEGMENTS)
        yield Segment(f"part={number}", size, score(first[rows]), score(second[rows]), gain)


def score(errors: Floats) -> float:
    return metrics.score(NAME, np.zeros(len(errors)), errors)


def compared(first: Floats, second: Floats, confidence: float) -> Gain:
    truth, weights, measure = np.zeros(len(first)), resamples(len(first)), metrics.MEASURES[NAME]
    differences = measure(truth, second, weights) - measure(truth, first, weights)
    return bootstrap.gain(score(second) - score(first), differences, confidence, len(first))


@cache
def resamples(rows: int) -> Floats:
    return np.concatenate(list(bootstrap.resamples(rows, bootstrap.RESAMPLES, seed=0)))


def decisions(gain: float, rows: int, seed: int) -> Mapping[str, bool]:
    """What is decided about one holdout: by the rules, and by the estimates alone."""
    found = trial(gain, rows, seed)
    rules = {evidence: Metric(NAME, Direction.MINIMIZE, evidence=evidence, margin=MARGIN) for evidence in Evidence}
    told = {evidence: gate.decide(Case(found, metric)) for evidence, metric in rules.items()}
    findings = told[Evidence.NON_INFERIOR].findings
    falls = [one.gain.estimate for one in found.segments if one.gain]
    return {
        **{evidence.value: decision.outcome is gate.Outcome.ACCEPTED for evidence, decision in told.items()},
        "estimate of at least 0": found.gain is not None and found.gain.estimate >= 0,
        "a segment fell": any(finding.rule.startswith("segment") and not finding.passed for finding in findings),
        "a segment fell by its estimate": min(falls) < -2 * MARGIN,
        "margin resolved": all(finding.passed for finding in findings if finding.rule == "resolution"),
    }


def shares(gain: float, rows: int, trials: int, workers: ProcessPoolExecutor) -> Mapping[str, float]:
    """Of each decision, over `trials` holdouts that no other gain shares."""
    first = round((gain + 1) * 1_000) * 1_000_000
    counted: Counter[str] = Counter()
    for told in workers.map(partial(decisions, gain, rows), range(first, first + trials), chunksize=250):
        counted.update({name: int(value) for name, value in told.items()})
    return {name: count / trials for name, count in counted.items()}


def curve(rows: int, trials: int, workers: ProcessPoolExecutor) -> None:
    print(f"\nholdout of {rows} rows, {trials} trials each, margin {MARGIN:g}: share of challengers accepted\n")
    print(f"| true gain | accepted, non_inferior | {' | '.join(COLUMNS)} |")
    print("|---" * (2 + len(COLUMNS)) + "|")
    for step in STEPS:
        found = shares(step * MARGIN, rows, trials, workers)
        bar = "█" * round(WIDTH * found["non_inferior"])
        told = " | ".join(f"{found[name]:.1%}" for name in COLUMNS)
        print(f"| {step:+g} margins | `{bar:<{WIDTH}}` | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2_000)
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 100])
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.workers) as workers:
        for rows in given.rows:
            curve(rows, given.trials, workers)


if __name__ == "__main__":
    main()
