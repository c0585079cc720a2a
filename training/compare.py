"""Compare data as a whole: can a classifier tell the rows that are new from those that the champion learned from?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from retide.domain.codec import parse
from retide.domain.comparison import SAMPLE, DataDrift, arrived_since, newest
from retide.domain.contract import ColumnType, Contract
from retide.domain.dataset import Part
from training import data, features, metrics
from training.errors import JobError

FOLDS: Final = 5
TREES: Final = 50
LEVELS: Final = 254  # of a category that the classifier tells apart; rarer ones are one
PROBED: Final = 2_000  # rows that tell which features matter
TOLD: Final = 3
LEAST: Final = 0.01  # of AUC that a feature's shuffling must cost, to be named

type Matrix = NDArray[np.float64]


def compare(channels: Path, contract: Contract) -> DataDrift | None:
    """None where the channel `candidates` holds no reference dataset, or the champion learned from all there is.

    An AUC over folds that no tree was grown on (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests"): it
    sees what no single column shows. Raises JobError where the two cannot be compared.
    """
    manifest = next(iter(sorted((channels / "candidates").glob("**/manifest.json"))), None)
    known = _parts(manifest) if manifest else ()
    added = newest(arrived_since(_parts(channels / "dataset/manifest.json"), known))
    if not known or not added:
        return None
    new = _sample(channels / "data", added, contract)
    old = _sample(channels / "candidates", newest(known), contract)
    least = contract.drift.min_rows
    if min(new.num_rows, old.num_rows) < least:
        raise JobError(f"{new.num_rows} new rows and {old.num_rows} of the champion's, where each side needs {least}")
    return _told_apart(new, old, contract)


def _parts(manifest: Path) -> tuple[Part, ...]:
    return tuple(parse(Part, raw) for raw in json.loads(manifest.read_text(encoding="utf-8"))["objects"])


def _sample(folder: Path, parts: tuple[Part, ...], contract: Contract) -> pa.Table:
    table = data.rows(folder, [f"{part.curated}.parquet" for part in parts], contract)
    drawn = np.random.default_rng(contract.training.seed).permutation(table.num_rows)[:SAMPLE]
    return table.take(pa.array(np.sort(drawn)))


def _told_apart(new: pa.Table, old: pa.Table, contract: Contract) -> DataDrift:
    matrix, categories = _matrix(pa.concat_tables([old, new]), contract)
    truth = np.repeat([0, 1], [old.num_rows, new.num_rows])
    seed = contract.training.seed
    model = HistGradientBoostingClassifier(max_iter=TREES, categorical_features=categories, random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(model, matrix, truth, cv=folds, method="predict_proba")
    auc = metrics.score("roc_auc", truth, scores)
    model.fit(matrix, truth)
    return DataDrift(round(auc, 6), new.num_rows, old.num_rows, _telling(model, matrix, truth, contract))


def _matrix(table: pa.Table, contract: Contract) -> tuple[Matrix, NDArray[np.bool_]]:
    """(rows, features): numbers with NaN, categories as codes by frequency; and which columns are categories."""
    found = features.columns(table, contract)
    kinds = np.array([column.type is ColumnType.CATEGORY for column in contract.features])
    columns = [_codes(found[c.name]) if c.type is ColumnType.CATEGORY else found[c.name] for c in contract.features]
    return np.column_stack(columns).astype(np.float64), kinds


def _codes(values: NDArray[np.object_]) -> NDArray[np.int64]:
    ranks = {value: min(rank, LEVELS) for rank, value in enumerate(pd.Series(values).value_counts().index)}
    return np.array([ranks[value] for value in values], dtype=np.int64)


def _telling(
    model: HistGradientBoostingClassifier, matrix: Matrix, truth: NDArray[np.int64], contract: Contract
) -> tuple[str, ...]:
    """The features whose shuffling costs most of what the classifier knows: they moved, alone or with others."""
    draw = np.random.default_rng(contract.training.seed)
    rows = np.sort(draw.permutation(len(truth))[:PROBED])
    probe, wanted = matrix[rows], truth[rows]
    whole = metrics.score("roc_auc", wanted, model.predict_proba(probe))
    lost = {}
    for place, column in enumerate(contract.features):
        shuffled = probe.copy()
        shuffled[:, place] = draw.permutation(shuffled[:, place])
        lost[column.name] = whole - metrics.score("roc_auc", wanted, model.predict_proba(shuffled))
    return tuple(sorted((name for name in lost if lost[name] > LEAST), key=lambda name: -lost[name])[:TOLD])
