"""Write the samples of the models that come with Retide, from the public data that scikit-learn carries.

`python -m scripts.samples` writes training/models/<model>/sample.csv: the same bytes every time. The data: Wisconsin
breast cancer (Wolberg, Street and Mangasarian 1995, CC BY 4.0) and diabetes (Efron, Hastie, Johnstone and Tibshirani
2004), both as in scikit-learn. Your own models bring a sample of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from retide.contracts import MODELS, SAMPLE_FILE
from retide.demo.data import Row, diabetes_rows, tumour_rows, write

ROOT: Final = Path(__file__).resolve().parent.parent
SAMPLES: Final[Mapping[str, tuple[Callable[[], list[Row]], int]]] = {
    "tumour": (tumour_rows, 200),
    "diabetes": (diabetes_rows, 300),
}


def write_samples(models: Path) -> list[Path]:
    """The first rows of each set, in the demo's fixed random order."""
    return [write(models / model / SAMPLE_FILE, rows()[:count]) for model, (rows, count) in SAMPLES.items()]


def main() -> None:
    for path in write_samples(ROOT / MODELS):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
