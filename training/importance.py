"""What the served artefact learned from: how much its score falls where one feature's values change places."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from retide.domain.contract import Contract
from training import metrics
from training.holdout import Holdout
from training.server.artefact import Artefact

REPEATS: Final = 5
PROBED: Final = 2_000  # rows
MOST: Final = 200  # features


def importance(artefact: Artefact, holdout: Holdout, contract: Contract) -> list[dict[str, Any]]:
    """By feature the mean and deviation of what shuffling costs in the deciding metric, the dearest first.

    Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019) on at most PROBED rows. Empty for more than
    MOST features: none of so many alone says much, and each costs REPEATS predictions.
    """
    features = artefact.manifest.features
    if len(features) > MOST:
        return []
    draw, name = np.random.default_rng(contract.training.seed), contract.metric.name
    rows = np.sort(draw.permutation(len(holdout.truth))[:PROBED])
    probe, truth = holdout.taken(rows), holdout.truth[rows]
    cutoff = probe.cutoff(artefact)
    whole = metrics.score(name, truth, probe.scores(artefact), cutoff)
    if not np.isfinite(whole):  # the sample holds one class only
        return []
    found = []
    for feature in features:
        orders = [draw.permutation(len(rows)) for _ in range(REPEATS)]
        scores = (probe.shuffled(feature.name, order).scores(artefact) for order in orders)
        costs = [contract.metric.sign * (whole - metrics.score(name, truth, said, cutoff)) for said in scores]
        found.append({"feature": feature.name, "mean": float(np.mean(costs)), "deviation": float(np.std(costs))})
    return sorted(found, key=lambda entry: (-entry["mean"], entry["feature"]))
