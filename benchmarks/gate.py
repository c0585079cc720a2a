"""How often the gate decides right: challengers better and worse by a known amount, judged by the real rules.

    python -m benchmarks.gate [--trials 2000] [--rows 400 100] [--metrics rmse roc_auc] [--uv uv]

RMSE: errors of champion and challenger are normal and share most of their noise, as those of two models of the same
features do; the true RMSE is their standard deviation. ROC AUC: half of the rows are positive, scores are normal within
either class and share as much noise; d apart, their true AUC is Φ(d / √2). Each trial draws a holdout, computes the
gain on the whole and on each of five segments with the evaluation job's own measures and bounds, and asks
`retide.domain.gate`. The resamples are drawn once, as in the job, whose seed is fixed.

What was counted is kept in build/gate/curves.json, and drawn into docs/images/gate.svg.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.charts import drawing
from retide.domain import gate
from retide.domain.case import Case
from retide.domain.contract import Direction, Evidence, Metric
from retide.domain.contract_metric import DIRECTIONS
from retide.domain.evaluation import Evaluation, Gain, Scores, Segment
from training import bootstrap, metrics

ROOT: Final = Path(__file__).resolve().parents[1]
CURVES: Final = ROOT / "build/gate/curves.json"
SHARED: Final = 0.93  # correlation of the two models' errors
SEGMENTS: Final = 5
CONFIDENCE: Final = 0.95
STEPS: Final = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)  # true gains, in margins
COLUMNS: Final = (
    "non_inferior",
    "superior",
    "estimate of at least 0",
    "a segment fell",
    "a segment fell by its estimate",
    "margin resolved",
)

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contest:
    """The truth of some rows, and what either model says of them."""

    truth: Floats
    challenger: Floats
    champion: Floats

    def part(self, rows: slice) -> Contest:
        return Contest(self.truth[rows], self.challenger[rows], self.champion[rows])


@dataclass(frozen=True, slots=True)
class World:
    """Where a metric is simulated: `margin` in its unit, and how a holdout of a true gain is drawn."""

    margin: float
    draw: Callable[[float, int, np.random.Generator], Contest]


def noises(rows: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Two of variance 1 that are correlated by SHARED."""
    common, own, other = generator.normal(size=(3, rows))
    return math.sqrt(SHARED) * common + math.sqrt(1 - SHARED) * own, math.sqrt(SHARED) * common + math.sqrt(
        1 - SHARED
    ) * other


def errors(gain: float, rows: int, generator: np.random.Generator) -> Contest:
    """A champion of RMSE 1 and a challenger of RMSE 1 - gain."""
    champion, challenger = noises(rows, generator)
    return Contest(np.zeros(rows), ((1 - gain) * challenger)[:, None], champion[:, None])


def ranks(gain: float, rows: int, generator: np.random.Generator) -> Contest:
    """A champion of AUC 0.8 and a challenger of AUC 0.8 + gain."""
    truth = (np.arange(rows) % 2).astype(np.float64)
    champion, challenger = noises(rows, generator)
    return Contest(truth, scored(challenger + apart(0.8 + gain) * truth), scored(champion + apart(0.8) * truth))


def apart(auc: float) -> float:
    return math.sqrt(2) * NormalDist().inv_cdf(auc)


def scored(values: Floats) -> Floats:
    """As probabilities, whose order is all that an AUC sees."""
    positive = 1 / (1 + np.exp(-values))
    return np.column_stack([1 - positive, positive])


WORLDS: Final[Mapping[str, World]] = {
    "rmse": World(0.05, errors),
    "roc_auc": World(0.03, ranks),  # a tenth of the champion's lead over a constant: what a contract has by default
}


def trial(name: str, gain: float, rows: int, seed: int) -> Evaluation:
    found = WORLDS[name].draw(gain, rows, np.random.default_rng(seed))
    said = (found.challenger, found.champion)
    challenger, former = (
        Scores("job", "digest", {name: metrics.score(name, found.truth, one)}, {}, 1, 0.0) for one in said
    )
    whole, parts = compared(name, found, CONFIDENCE), tuple(segments(name, found))
    return Evaluation("m", "task", "d", name, DIRECTIONS[name], rows, challenger, former, whole, parts)


def segments(name: str, found: Contest) -> Iterator[Segment]:
    size = len(found.truth) // SEGMENTS
    for number in range(SEGMENTS):
        part = found.part(slice(number * size, (number + 1) * size))
        gain = compared(name, part, 1 - (1 - CONFIDENCE) / SEGMENTS)
        first, second = (metrics.score(name, part.truth, said) for said in (part.challenger, part.champion))
        yield Segment(f"part={number}", size, first, second, gain)


def compared(name: str, found: Contest, confidence: float) -> Gain:
    sign = 1.0 if DIRECTIONS[name] is Direction.MAXIMIZE else -1.0
    weights, measure = resamples(len(found.truth)), metrics.MEASURES[name]
    differences = sign * (
        measure(found.truth, found.challenger, weights) - measure(found.truth, found.champion, weights)
    )
    first, second = (metrics.score(name, found.truth, said) for said in (found.challenger, found.champion))
    defined = differences[np.isfinite(differences)]
    return bootstrap.gain(sign * (first - second), defined, confidence, len(found.truth))


@cache
def resamples(rows: int) -> Floats:
    return np.concatenate(list(bootstrap.resamples(rows, bootstrap.RESAMPLES, seed=0)))


def decisions(name: str, gain: float, rows: int, seed: int) -> Mapping[str, bool]:
    """What is decided about one holdout: by the rules, and by the estimates alone."""
    found, margin = trial(name, gain, rows, seed), WORLDS[name].margin
    rules = {evidence: Metric(name, DIRECTIONS[name], evidence=evidence, margin=margin) for evidence in Evidence}
    told = {evidence: gate.decide(Case(found, metric)) for evidence, metric in rules.items()}
    findings = told[Evidence.NON_INFERIOR].findings
    falls = [one.gain.estimate for one in found.segments if one.gain]
    return {
        **{evidence.value: decision.outcome is gate.Outcome.ACCEPTED for evidence, decision in told.items()},
        "estimate of at least 0": found.gain is not None and found.gain.estimate >= 0,
        "a segment fell": any(finding.rule.startswith("segment") and not finding.passed for finding in findings),
        "a segment fell by its estimate": min(falls) < -2 * margin,
        "margin resolved": all(finding.passed for finding in findings if finding.rule == "resolution"),
    }


def shares(name: str, step: float, rows: int, trials: int, workers: ProcessPoolExecutor) -> Mapping[str, float]:
    """Of each decision, over `trials` holdouts that no other gain shares."""
    first = round((step + 10) * 100) * 1_000_000
    asked = partial(decisions, name, step * WORLDS[name].margin, rows)
    counted: Counter[str] = Counter()
    for told in workers.map(asked, range(first, first + trials), chunksize=50):
        counted.update({column: int(value) for column, value in told.items()})
    return {column: count / trials for column, count in counted.items()}


def curve(
    name: str, rows: int, trials: int, workers: ProcessPoolExecutor, known: Mapping[str, Any]
) -> Iterator[Mapping[str, float]]:
    """Point by point; `known` is what an earlier run has counted of this curve, with as many trials."""
    print(f"\n{name}, holdout of {rows} rows, {trials} trials each, margin {WORLDS[name].margin:g}: share accepted\n")
    print(f"| true gain | {' | '.join(COLUMNS)} |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    before = {point["gain"]: point for point in known["points"]} if known.get("trials") == trials else {}
    for step in STEPS:
        one = before.get(step) or {"gain": step, **shares(name, step, rows, trials, workers)}
        print(f"| {step:+g} margins | {' | '.join(f'{one[column]:.1%}' for column in COLUMNS)} |", flush=True)
        yield one


def count(name: str, rows: int, trials: int, workers: ProcessPoolExecutor, *, go_on: bool) -> None:
    """Each point is kept as soon as it is counted, beside the curves of other runs."""
    CURVES.parent.mkdir(parents=True, exist_ok=True)
    place, points = f"{name} {rows}", []
    for point in curve(name, rows, trials, workers, curves().get(place, {}) if go_on else {}):
        points.append(point)
        found = {**curves(), place: {"metric": name, "rows": rows, "trials": trials, "points": points}}
        CURVES.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")


def curves() -> dict[str, Any]:
    return json.loads(CURVES.read_text(encoding="utf-8")) if CURVES.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2_000)
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 100])
    parser.add_argument("--metrics", nargs="+", choices=WORLDS, default=list(WORLDS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--go-on", action="store_true", help="keep the points that a run which broke off has counted")
    parser.add_argument("--uv", default=shutil.which("uv") or "uv", help="makes the environment that draws")
    given = parser.parse_args()
    with ProcessPoolExecutor(given.workers) as workers:
        for name in given.metrics:
            for rows in given.rows:
                count(name, rows, given.trials, workers, go_on=given.go_on)
    print(f"drawn into {drawing.draw(given.uv, CURVES).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
