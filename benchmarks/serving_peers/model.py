"""The model that all servers serve: 100 boosted trees on ten numbers, and the rows that they are asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FEATURES: Final = tuple(f"feature_{number}" for number in range(10))
ROWS: Final = 4_000


def table(rows: int = ROWS, seed: int = 7) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (rows, 10) and classes (rows,)."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, len(FEATURES))).astype(np.float32)
    score = values[:, 0] + values[:, 1] * values[:, 2] + 0.5 * generator.normal(size=rows)
    return values, (score > 0).astype(np.int64)


def fitted() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(*table())


def dumped(folder: Path) -> Path:
    """The estimator as the libraries of this field store it: by pickle, which Retide itself never loads."""
    import joblib  # type: ignore[import-untyped,unused-ignore]  # noqa: TID251 - the peers' own format

    file = folder / "model.joblib"
    joblib.dump(fitted(), file)
    return file


def loaded(folder: Path) -> Any:
    import joblib  # type: ignore[import-untyped,unused-ignore]  # noqa: TID251

    return joblib.load(folder / "model.joblib")
