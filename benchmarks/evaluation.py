"""The loop's model beside plain scikit-learn: the training code itself, on the same rows, with the same budget.

    python -m benchmarks.evaluation [--seeds 3] [--shared folder]

Each set is split by chance into four fifths and one, and trained by the loop's own code with a contract that says
nothing but columns, task and metric. The peers are scikit-learn's on the very same rows: HistGradientBoosting with its
defaults, and ridge or logistic regression on imputed, scaled numbers and one column per category. The constant answer
is the training part's mean, or its shares of the classes. All are scored on the held rows, ours as the ONNX artefact.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks import decisions
from retide.domain.contract import Contract, Direction, Task, parse
from training import data, features, metrics, train
from training.holdout import Holdout
from training.server.artefact import open_session, run

BUCKETS: Final = 10_000
METRIC: Final = {Task.CLASSIFICATION: "roc_auc", Task.REGRESSION: "rmse"}
ALLOWED: Final = 0.01


@dataclass(frozen=True, slots=True)
class Set:
    name: str
    frame: pd.DataFrame
    task: Task


def bundled() -> Iterator[Set]:
    """Those that scikit-learn carries; nothing is downloaded."""
    for name, task in (
        ("breast_cancer", Task.CLASSIFICATION),
        ("wine", Task.CLASSIFICATION),
        ("iris", Task.CLASSIFICATION),
        ("digits", Task.CLASSIFICATION),
        ("diabetes", Task.REGRESSION),
    ):
        loaded = getattr(datasets, f"load_{name}")(as_frame=True)
        yield Set(name, loaded.data.assign(target=loaded.target), task)


def shared(folder: Path) -> Iterator[Set]:
    diamonds = pd.read_csv(folder / "diamonds.csv")
    yield Set("diamonds", diamonds.rename(columns={"price": "target"}), Task.REGRESSION)
    adult = pd.read_csv(folder / "adult.csv", header=None, skipinitialspace=True, na_values="?")
    adult.columns = [*(f"c{place}" for place in range(14)), "target"]
    yield Set("adult", adult, Task.CLASSIFICATION)
    elec = pd.read_csv(folder / "elec.csv")
    yield Set("elec", elec.rename(columns={"class": "target"}), Task.CLASSIFICATION)


def contract(chosen: Set) -> Contract:
    def kind(column: str) -> dict[str, Any]:
        values = chosen.frame[column]
        if pd.api.types.is_numeric_dtype(values) and not (column == "target" and chosen.task is Task.CLASSIFICATION):
            return {"type": "float", "nullable": column != "target"}
        return {"type": "category", "nullable": column != "target"}

    columns = {str(column): kind(str(column)) for column in chosen.frame}
    raw = {"task": chosen.task.value, "target": "target", "metric": {"name": METRIC[chosen.task]}, "columns": columns}
    return parse(raw, "set")


def split(chosen: Set, terms: Contract, seed: int) -> data.Split:
    """A fifth of the rows by chance, as a hash of ids falls."""
    made = {}
    for column in terms.columns:
        values = chosen.frame[column.name]
        texts = values.astype(object).where(values.notna(), None)
        made[column.name] = (
            pa.array(values.astype(float), from_pandas=True)
            if column.type.value == "float"
            else pa.array([None if text is None else str(text) for text in texts], pa.string())
        )
    table = pa.table(made)
    held = np.random.default_rng(seed).permutation(len(chosen.frame)) < 0.2 * len(chosen.frame)
    return data.Split("d", table.filter(pa.array(~held)), table.filter(pa.array(held)))


def ours(part: data.Split, terms: Contract, seed: int) -> tuple[float, str, float]:
    """The score of the artefact, which estimator it is, and the seconds of training."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        model = train.train(part, terms, {}, seed, Path(folder))
    took = time.perf_counter() - start
    holdout = Holdout.of(part.holdout, terms, model.classes)
    raw = run(open_session(model.onnx), holdout.columns)
    scores = np.pad(raw, ((0, 0), (0, max(0, len(holdout.classes) - len(model.classes)))))
    return metrics.score(terms.metric.name, holdout.truth, scores), model.name, took


def peers(part: data.Split, terms: Contract, seed: int) -> Mapping[str, float]:
    known = features.labels(part.training, terms) if terms.task is Task.CLASSIFICATION else ()
    taught, asked = (Holdout.of(table, terms, known) for table in (part.training, part.holdout))
    frames = [pd.DataFrame(dict(half.columns)) for half in (taught, asked)]
    texts = [column.name for column in terms.features if column.type.value == "category"]
    found = {}
    for name, estimator in (("boosting", boosting(terms.task, texts, seed)), ("linear", linear(terms.task, texts))):
        fitted = estimator.fit(categorical(frames[0], texts), taught.truth)
        said = fitted.predict_proba if known else lambda rows, fitted=fitted: fitted.predict(rows)[:, None]
        found[name] = metrics.score(terms.metric.name, asked.truth, padded(said(categorical(frames[1], texts)), asked))
    guess = (
        np.bincount(taught.truth.astype(int), minlength=len(known)) / len(taught.truth)
        if known
        else np.array([taught.truth.mean()])
    )
    constant = padded(np.tile(guess, (len(asked.truth), 1)), asked)
    return {**found, "constant": metrics.score(terms.metric.name, asked.truth, constant)}


def padded(scores: Any, asked: Holdout) -> Any:
    return np.pad(scores, ((0, 0), (0, max(0, len(asked.classes) - scores.shape[1]))))


def categorical(frame: pd.DataFrame, texts: list[str]) -> pd.DataFrame:
    return frame.astype(dict.fromkeys(texts, "category"))


def boosting(task: Task, texts: list[str], seed: int) -> Any:
    """As it comes, with the categories told."""
    kind = HistGradientBoostingClassifier if task is Task.CLASSIFICATION else HistGradientBoostingRegressor
    return kind(random_state=seed, categorical_features="from_dtype" if texts else None)


def linear(task: Task, texts: list[str]) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    model = LogisticRegression(max_iter=1000) if task is Task.CLASSIFICATION else Ridge()
    told = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts), (numbers, make_column_selector(dtype_include="number"))
    )
    return make_pipeline(told, model)


def compare(chosen: Set, seeds: int) -> None:
    terms = contract(chosen)
    sign = 1 if terms.metric.direction is Direction.MAXIMIZE else -1
    rows = []
    for seed in range(seeds):
        part = split(chosen, terms, seed)
        score, name, seconds = ours(part, terms, seed)
        rows.append({**peers(part, terms, seed), "retide": score, "seconds": seconds, "chosen": name})
    table = pd.DataFrame(rows)
    mean = table.drop(columns="chosen").mean()
    best = max(("boosting", "linear"), key=lambda name: sign * mean[name])
    relative = sign * (mean["retide"] - mean[best]) / abs(mean[best])
    names = ", ".join(f"{name} {count}x" for name, count in table["chosen"].value_counts().items())
    verdict = "yes" if relative >= -ALLOWED else "NO"
    print(
        f"| {chosen.name} | {len(chosen.frame)} x {len(terms.features)} | {terms.metric.name} | {mean['retide']:.4f} | "
        f"{names} | {mean['boosting']:.4f} | {mean['linear']:.4f} | {mean['constant']:.4f} | {relative:+.1%} | "
        f"{verdict} | {mean['seconds']:.1f} |",
        flush=True,
    )


def wanted(folder: Path | None, only: list[str] | None) -> Iterator[Set]:
    for chosen in (*bundled(), *(shared(folder) if folder else ())):
        if not only or chosen.name in only:
            yield chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="holdouts that are averaged over")
    parser.add_argument("--shared", type=Path, help="a folder with diamonds.csv, adult.csv and elec.csv")
    parser.add_argument("--only", nargs="*", help="names of sets")
    parser.add_argument("--decisions", action="store_true", help="thresholds and intervals instead, on held rows")
    given = parser.parse_args()
    if given.decisions:
        print("| set | splits | on held rows |\n|---|---|---|")
        for chosen in wanted(given.shared, given.only):
            terms = contract(chosen)
            if chosen.task is Task.REGRESSION or chosen.frame["target"].nunique() == 2:
                decisions.show(chosen.name, terms, (split(chosen, terms, seed) for seed in range(given.seeds)))
        return
    print("| set | rows x features | metric | Retide | by | boosting | linear | constant | to the better | holds | s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for chosen in wanted(given.shared, given.only):
        compare(chosen, given.seeds)


if __name__ == "__main__":
    main()
