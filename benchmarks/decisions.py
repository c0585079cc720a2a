"""What a chosen threshold and a prediction interval are worth on rows that nobody chose them on.

    python -m benchmarks.evaluation --decisions [--seeds 3] [--shared folder]

For sets of two classes F1 and Youden's J at 0.5 and at the threshold chosen for each, for regressions the share of held
values within intervals of 80 and 90 %; by the training code's own choice, on its linear estimators, which are quick.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score

from retide.domain.contract import Contract, Cut, Task
from training import data, metrics, train
from training.holdout import Holdout
from training.server.artefact import Artefact
from training.settings import Settings

LEVELS: Final = (0.8, 0.9)
WORTH: Final[dict[Cut, Callable[[Any, Any], float]]] = {
    Cut.F1: f1_score,
    Cut.YOUDEN: lambda truth, said: 2 * balanced_accuracy_score(truth, said) - 1,
}


def trained(part: data.Split, terms: Contract, seed: int, folder: Path) -> Artefact:
    model = train.train(part, terms, {"estimator": "linear"} if terms.task is Task.CLASSIFICATION else {}, seed, folder)
    told = Settings(terms.model, "d", "c", seed, {})
    train.write(model, train.manifest(model, terms, told), folder)
    return Artefact.load(folder / "model")


def labels(part: data.Split, terms: Contract, seed: int) -> dict[str, float]:
    """Of each rule the worth at 0.5 and at its threshold, and the threshold."""
    found: dict[str, float] = {}
    for rule, worth in WORTH.items():
        with tempfile.TemporaryDirectory() as folder:
            cut = replace(terms, metric=replace(terms.metric, threshold=rule))
            artefact = trained(part, cut, seed, Path(folder))
        holdout = Holdout.of(part.holdout, terms, artefact.manifest.classes)
        positive = holdout.scores(artefact)[:, 1]
        at = artefact.threshold or 0.5
        found |= {
            f"{rule} at 0.5": worth(holdout.truth, positive > 0.5),
            f"{rule} chosen": worth(holdout.truth, positive >= at),
        }
        found[f"{rule} threshold"] = at
    return found


def coverages(part: data.Split, terms: Contract, seed: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as folder:
            artefact = trained(part, replace(terms, metric=replace(terms.metric, interval=level)), seed, Path(folder))
        holdout = Holdout.of(part.holdout, terms, ())
        found[f"within {level:.0%}"] = metrics.score("coverage", holdout.truth, holdout.scores(artefact))
    return found


def show(name: str, terms: Contract, parts: Iterable[data.Split]) -> None:
    """Means over splits."""
    measure = coverages if terms.task is Task.REGRESSION else labels
    found = [measure(part, terms, seed) for seed, part in enumerate(parts)]
    means = {key: np.mean([one[key] for one in found]) for key in found[0]}
    print(f"| {name} | {len(found)} | {', '.join(f'{key} {value:.3f}' for key, value in means.items())} |", flush=True)
