"""The batches that the demo, the benchmarks and the loop tests send."""

from __future__ import annotations

import csv
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_diabetes

from retide.contracts import load
from retide.demo.data import DAMAGED_ROWS, diabetes_batches, tumour_batches, tumour_rows

ROOT = Path(__file__).resolve().parents[3]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_two_sound_tumour_batches_are_the_whole_set_and_share_no_sample(tmp_path: Path) -> None:
    first, second, _ = (rows_of(path) for path in tumour_batches(tmp_path))
    samples = [row["sample_id"] for row in first + second]
    assert (len(first), len(second)) == (300, 269)
    assert len(set(samples)) == len(load_breast_cancer().target)


def test_every_measurement_is_the_bundled_one_to_the_last_digit() -> None:
    bundled = load_breast_cancer()
    by_sample = {row["sample_id"]: row for row in tumour_rows()}
    for number, (values, target) in enumerate(zip(bundled.data, bundled.target, strict=True), start=1):
        row = by_sample[f"T{number:04}"]
        assert [float(row[str(name).replace(" ", "_")]) for name in bundled.feature_names] == list(values)
        assert row["diagnosis"] == bundled.target_names[target]


def test_the_two_diabetes_batches_are_the_whole_set_to_the_last_digit(tmp_path: Path) -> None:
    bundled = load_diabetes(scaled=False)
    rows = {row["patient_id"]: row for path in diabetes_batches(tmp_path) for row in rows_of(path)}
    for number, (values, target) in enumerate(zip(bundled.data, bundled.target, strict=True), start=1):
        row = rows[f"P{number:04}"]
        assert [float(row[name]) for name in bundled.feature_names] == list(values)
        assert float(row["progression"]) == target


def test_the_same_call_writes_the_same_bytes(tmp_path: Path) -> None:
    for batches in (tumour_batches, diabetes_batches):
        once, again = batches(tmp_path / "once"), batches(tmp_path / "again")
        assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


def test_the_batches_have_the_columns_of_the_contracts(tmp_path: Path) -> None:
    for model, batches in (("tumour", tumour_batches), ("diabetes", diabetes_batches)):
        columns = {column.name for column in load(ROOT / "training/models" / model).columns}
        for path in batches(tmp_path):
            assert set(rows_of(path)[0]) == columns, path.name


def test_the_damaged_batch_keeps_its_shape_and_is_wrong_in_five_columns(tmp_path: Path) -> None:
    damaged = rows_of(tumour_batches(tmp_path)[2])
    sound = tumour_rows()[:DAMAGED_ROWS]
    wrong = {name for bad, good in zip(damaged, sound, strict=True) for name in good if bad[name] != good[name]}
    assert wrong == {"mean_radius", "mean_area", "mean_smoothness", "diagnosis", "sample_id"}
