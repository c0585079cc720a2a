"""Score the challenger and the champion on one holdout, both from the artefacts that are served."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from retide.domain.contract import Contract, Cut, Task
from retide.domain.split import split_of
from training import bootstrap, data, features, metrics
from training.archive import Candidate, open_candidate
from training.compare import compare
from training.errors import JobError
from training.holdout import Holdout, Segment
from training.importance import importance
from training.metrics import Array, Cutoff, Truth
from training.reading import BATCH, BUCKET
from training.server.artefact import Artefact
from training.server.manifest import Label, Manifest
from training.server.requests import columns as request_columns
from training.workspace import Workspace, listed_file, write_json

OUTPUT: Final = "processing/output/evaluation"
GOLDEN_RECORDS: Final = 20
WARM_UP: Final = 10
TIMED: Final = 200


@dataclass(frozen=True, slots=True)
class Scored:
    """A model and what it says about every row of the holdout."""

    candidate: Candidate
    scores: Array
    metrics: dict[str, float]
    cutoff: Cutoff | None = None

    def seen(self, metric: str) -> Array:
        """What a metric sees of it: the labels that it says, or its scores."""
        return metrics.seen(metric, self.scores, self.cutoff)


@dataclass(frozen=True, slots=True)
class Contest:
    """Who is compared; `skipped` says why a champion that exists could not be scored, or not fairly (`learned`)."""

    challenger: Candidate
    champion: Candidate | None
    skipped: str | None
    learned: bool = False


def run(workspace: Workspace) -> None:
    """Raises JobError for everything that a person can mend."""
    contract = workspace.contract(workspace.variable("RETIDE_MODEL"))
    channels = workspace.base / "processing/input"
    split = data.load(channels / "data", channels / "dataset", contract, learned=(contract.target,))
    if split.dataset != workspace.variable("RETIDE_DATASET"):
        raise JobError(f"The channel holds dataset {split.dataset}, not {workspace.variable('RETIDE_DATASET')}.")
    with tempfile.TemporaryDirectory(prefix="retide-models-") as scratch:
        contest, split = fair(_open(workspace, contract, Path(scratch)), split, contract)
        holdout = holdout_of(contest, split, contract)
        document = evaluate(contest, holdout, contract, split)
        document |= data_drift(channels, contract)
        requests = golden(contest.challenger.artefact, holdout, contract)
    write_json(workspace.base / OUTPUT / "evaluation.json", document)
    write_json(workspace.base / OUTPUT / "golden.json", requests)
    print(f"evaluated {contest.challenger.job} on {split.holdout.num_rows} rows: {document['challenger']['metrics']}")


def data_drift(channels: Path, contract: Contract) -> dict[str, Any]:
    """How far new data lies from the champion's, where the contract asks; that nobody can tell stops no model."""
    try:
        drift = compare(channels, contract) if contract.drift.multivariate is not None else None
    except JobError as reason:
        return {"drift_skipped": str(reason)}
    return {"drift": asdict(drift)} if drift else {}


def _open(workspace: Workspace, contract: Contract, scratch: Path) -> Contest:
    challenger = _candidate(workspace, workspace.variable("RETIDE_CHALLENGER"), scratch / "challenger")
    if reason := misfit(challenger.artefact.manifest, contract):
        raise JobError(f"The challenger {challenger.job} does not fit the contract: {reason}.")
    job = workspace.environment.get("RETIDE_CHAMPION", "")
    if not job:
        return Contest(challenger, None, None)
    champion = _candidate(workspace, job, scratch / "champion")
    reason = misfit(champion.artefact.manifest, contract)
    return Contest(challenger, None if reason else champion, reason)


def fair(contest: Contest, split: data.Split, contract: Contract) -> tuple[Contest, data.Split]:
    """Both are judged on rows that neither learned from, or the champion is not judged at all.

    Where the champion held out less than the contract does now, the holdout is what both held out.
    """
    if contest.champion is None:
        return contest, split
    found, own = contest.champion.artefact.manifest.split, split_of(contract)
    reason = own.apart(found)
    if reason:
        return Contest(contest.challenger, None, reason, learned=True), split
    common = min(found["below"] if found else own.below, own.below)
    held = split.holdout.filter(pc.less(split.holdout[BUCKET], common)) if common < own.below else split.holdout
    if held.num_rows:
        return contest, replace(split, holdout=held)
    reason = f"it learned from all {split.holdout.num_rows} rows that are held out now: {own}"
    return Contest(contest.challenger, None, reason, learned=True), split


def _candidate(workspace: Workspace, job: str, scratch: Path) -> Candidate:
    archive = listed_file(workspace.base / "processing/input/candidates", f"{job}/output/model.tar.gz")
    return open_candidate(archive, job, scratch)


def misfit(manifest: Manifest, contract: Contract) -> str | None:
    """Why a model cannot be asked about data of this contract, or None."""
    if (manifest.task, manifest.target) != (contract.task.value, contract.target):
        return (
            f"it does {manifest.task} of {manifest.target!r}, the contract wants {contract.task} of {contract.target!r}"
        )
    types = {column.name: column.type.value for column in contract.features}
    for feature in manifest.features:
        if types.get(feature.name) != feature.type:
            now = types.get(feature.name, "no feature any more")
            return f"it was trained with feature {feature.name!r} as {feature.type}; in the contract it is {now}"
    return None


def holdout_of(contest: Contest, split: data.Split, contract: Contract) -> Holdout:
    """The holdout with the classes of both models, in the contract's order."""
    labels: set[Label] = set(contest.challenger.artefact.manifest.classes)
    labels.update(contest.champion.artefact.manifest.classes if contest.champion else ())
    return Holdout.of(split.holdout, contract, features.ordered(labels, contract))


def evaluate(contest: Contest, holdout: Holdout, contract: Contract, split: data.Split) -> dict[str, Any]:
    """The evaluation as it is written; raises JobError where the deciding metric is not defined on the holdout."""
    challenger = _score(contest.challenger, holdout, contract)
    champion = _score(contest.champion, holdout, contract) if contest.champion else None
    skipped = {"champion_skipped": contest.skipped, "champion_learned": contest.learned} if contest.skipped else {}
    return {
        "model": contract.model,
        "task": contract.task.value,
        "dataset": split.dataset,
        "metric": contract.metric.name,
        "direction": contract.metric.direction.value,
        "holdout_rows": len(holdout.truth),
        "holdout": str(split_of(contract)),
        "challenger": _summary(challenger, holdout, contract),
        "champion": _summary(champion, holdout, contract) if champion else None,
        "gain": _gain(challenger, champion, holdout, contract) if champion else None,
        "segments": list(_segments(challenger, champion, holdout, contract)),
        "baseline": _baseline(holdout, split, contract),
        "importance": importance(contest.challenger.artefact, holdout, contract),
        **skipped,
    }


def _score(candidate: Candidate, holdout: Holdout, contract: Contract) -> Scored:
    scores, cutoff = holdout.scores(candidate.artefact), holdout.cutoff(candidate.artefact)
    found = metrics.scores_of(contract.task, holdout.truth, scores, cutoff)
    if contract.metric.name not in found:
        raise JobError(
            f"{contract.metric.name} is not defined on the holdout of {len(holdout.truth)} rows, "
            f"whose {contract.target!r} does not vary enough; send more data or choose another metric."
        )
    return Scored(candidate, scores, found, cutoff)


def _summary(scored: Scored, holdout: Holdout, contract: Contract) -> dict[str, Any]:
    candidate, seed = scored.candidate, contract.training.seed
    noise = bootstrap.calibration_noise(scored.scores, seed=seed) if holdout.classes else None
    return {
        "job": candidate.job,
        "artefact_digest": candidate.digest,
        "metrics": scored.metrics,
        "latency_ms": _latency(candidate.artefact, holdout),
        "size_bytes": candidate.size,
        "parity_max_abs": candidate.artefact.manifest.parity_max_abs,
        "params": candidate.artefact.manifest.params,
        "tuning": candidate.artefact.manifest.tuning,
        "calibration_noise": noise,
        "threshold": candidate.artefact.manifest.threshold,
        "interval": candidate.artefact.manifest.interval,
        "boosting": candidate.artefact.manifest.boosting,
    }


def _latency(artefact: Artefact, holdout: Holdout) -> dict[str, float]:
    """Of the model alone, in milliseconds: one row at a time, and per row of as many at once as are ever asked."""
    several = next(holdout.batches())
    one = {name: values[:1] for name, values in several.items()}
    single = [_timed(artefact, one) for _ in range(WARM_UP + TIMED)][WARM_UP:]
    batch = min(_timed(artefact, several) for _ in range(3))
    low, high = np.quantile(single, [0.5, 0.99]).tolist()
    return {"single_p50": low, "single_p99": high, "batch_per_row": batch / min(len(holdout.truth), BATCH)}


def _timed(artefact: Artefact, columns: features.Columns) -> float:
    start = time.perf_counter()
    artefact.predict(columns)
    return (time.perf_counter() - start) * 1000


def _gain(challenger: Scored, champion: Scored, holdout: Holdout, contract: Contract) -> dict[str, Any]:
    """The challenger's gain in the contract's metric (more is better) on the whole holdout."""
    rows = np.ones(len(holdout.truth), dtype=np.bool_)
    gain = _gained(challenger, champion, holdout.truth, rows, contract, contract.metric.confidence)
    if gain is None:
        raise JobError(
            f"{contract.metric.name} is not defined on most resamples of the {len(rows)} rows of the holdout, "
            "so nobody can say which model is better; send more data or choose another metric."
        )
    return gain


def _gained(
    challenger: Scored, champion: Scored, truth: Truth, rows: NDArray[np.bool_], contract: Contract, confidence: float
) -> dict[str, Any] | None:
    """None where the metric is defined on too few resamples to say anything about it."""
    name, sign, truth = contract.metric.name, contract.metric.sign, truth[rows]
    first, second = challenger.seen(name)[rows], champion.seen(name)[rows]
    differences = sign * bootstrap.paired_differences(
        name, truth, first, second, count=bootstrap.RESAMPLES, seed=contract.training.seed
    )
    if len(differences) < bootstrap.RESAMPLES / 2:
        return None
    estimate = sign * (metrics.score(name, truth, first) - metrics.score(name, truth, second))
    return asdict(bootstrap.gain(estimate, differences, confidence, len(truth)))


def _segments(
    challenger: Scored, champion: Scored | None, holdout: Holdout, contract: Contract
) -> Iterator[dict[str, Any]]:
    """Both scores on every segment on which the metric is defined; with k segments each bound errs 1/k as often."""
    scored = list(_scored_segments(challenger, holdout, contract))
    confidence = 1 - (1 - contract.metric.confidence) / max(len(scored), 1)
    for segment, score in scored:
        rows, truth = segment.rows, holdout.truth
        entry = {"name": segment.name, "rows": int(rows.sum()), "challenger": score, "champion": None, "gain": None}
        if champion:
            name = contract.metric.name
            entry["champion"] = metrics.score(name, truth[rows], champion.seen(name)[rows])
            entry["gain"] = _gained(challenger, champion, truth, rows, contract, confidence)
        yield entry


def _scored_segments(challenger: Scored, holdout: Holdout, contract: Contract) -> Iterator[tuple[Segment, float]]:
    for segment in holdout.segments(contract):
        name = contract.metric.name
        score = metrics.score(name, holdout.truth[segment.rows], challenger.seen(name)[segment.rows])
        if np.isfinite(score):
            yield segment, score


def _baseline(holdout: Holdout, split: data.Split, contract: Contract) -> dict[str, float]:
    """What saying the same of every row would score: the training part's mean, or its shares of the classes.

    Where models may choose from which probability on they say a class, so may a constant answer, for F1: always.
    """
    if contract.task is Task.REGRESSION:
        guess = np.array([np.mean(features.numbers(split.training[contract.target]))])
    else:
        trained = features.truth(split.training, contract, holdout.classes)
        guess = np.bincount(trained[trained >= 0], minlength=len(holdout.classes)) / len(trained)
    same = np.tile(guess, (len(holdout.truth), 1))
    found = metrics.scores_of(contract.task, holdout.truth, same)
    if isinstance(contract.metric.threshold, Cut):
        found["f1"] = max(found["f1"], metrics.score("f1", holdout.truth, same, Cutoff(0.0)))
    return found


def golden(artefact: Artefact, holdout: Holdout, contract: Contract) -> dict[str, Any]:
    """Requests and the answers that an endpoint must give, computed the way it computes them."""
    records = holdout.records(contract, GOLDEN_RECORDS)
    predictions = artefact.render(artefact.predict(request_columns(records, artefact.manifest)))
    pairs = zip(records, predictions, strict=True)
    return {"requests": [{"record": record, "prediction": prediction} for record, prediction in pairs]}
