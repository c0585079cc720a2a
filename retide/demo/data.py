"""Write scikit-learn's bundled sets as CSV batches, as a producer would send them: `python -m retide.demo.data OUT`."""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

Row = dict[str, str]

SITES: Final = ("A", "B", "C")
FIRST_TUMOURS: Final = 300
FIRST_PATIENTS: Final = 260
DAMAGED_ROWS: Final = 40
SEED: Final = 2026


def tumour_batches(folder: Path) -> list[Path]:
    """Three batches for the model `tumour`: 300 rows, the other 269, and 40 rows with the damage of a bad export."""
    rows = tumour_rows()
    return [
        write(folder / "tumour-1.csv", rows[:FIRST_TUMOURS]),
        write(folder / "tumour-2.csv", rows[FIRST_TUMOURS:]),
        write(folder / "tumour-3-damaged.csv", damaged(rows[:DAMAGED_ROWS])),
    ]


def diabetes_batches(folder: Path) -> list[Path]:
    """Two sound batches for the model `diabetes`: 260 rows and the other 182."""
    rows = diabetes_rows()
    return [
        write(folder / "diabetes-1.csv", rows[:FIRST_PATIENTS]),
        write(folder / "diabetes-2.csv", rows[FIRST_PATIENTS:]),
    ]


def tumour_rows() -> list[Row]:
    """569 biopsies in a fixed random order: sample_id, site (A, B, C), 30 measurements, diagnosis."""
    from sklearn.datasets import load_breast_cancer  # imports for a second: only where rows are really wanted

    bundled = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in bundled.feature_names]
    labels = [str(bundled.target_names[target]) for target in bundled.target]
    order = random.Random(SEED)
    rows = [
        {
            "sample_id": f"T{number:04}",
            "site": order.choice(SITES),
            **{name: f"{value:g}" for name, value in zip(names, values, strict=True)},
            "diagnosis": label,
        }
        for number, (values, label) in enumerate(zip(bundled.data, labels, strict=True), start=1)
    ]
    order.shuffle(rows)
    return rows


def diabetes_rows() -> list[Row]:
    """442 patients in a fixed random order: patient_id, age, sex, bmi, bp, s1 to s6, progression; unscaled."""
    from sklearn.datasets import load_diabetes

    bundled = load_diabetes(scaled=False)
    rows = [
        {
            "patient_id": f"P{number:04}",
            **{str(name): f"{value:g}" for name, value in zip(bundled.feature_names, values, strict=True)},
            "progression": f"{target:g}",
        }
        for number, (values, target) in enumerate(zip(bundled.data, bundled.target, strict=True), start=1)
    ]
    random.Random(SEED).shuffle(rows)
    return rows


def damaged(rows: Sequence[Row]) -> list[Row]:
    """The rows after a bad export: words among numbers, impossible sizes, an unknown label, a sample sent twice."""
    spoiled = [dict(row) for row in rows]
    for row, (column, value) in zip(spoiled, SPOILS, strict=False):
        row[column] = value
    spoiled[-1]["sample_id"] = spoiled[-2]["sample_id"]
    return spoiled


SPOILS: Final = (
    ("mean_radius", "n/a (scanner offline)"),
    ("mean_radius", "17,99"),
    ("mean_area", "-1001"),
    ("mean_smoothness", "1e9"),
    ("diagnosis", "unsure"),
)


def write(path: Path, rows: Sequence[Row]) -> Path:
    """Write the rows with a header; the same rows are the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


BATCHES: Final[Iterable[Callable[[Path], list[Path]]]] = (tumour_batches, diabetes_batches)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the demo's batches as CSV files.")
    parser.add_argument("out", type=Path, help="the folder to write them to (made where it is missing)")
    folder = parser.parse_args().out
    for batches in BATCHES:
        for path in batches(folder):
            print(path)


if __name__ == "__main__":
    main()
