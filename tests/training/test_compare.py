"""New data as a whole against the champion's: what differs is told apart, also where no single column shows it."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retide.domain.comparison import DataDrift
from retide.domain.contract import Contract, parse
from training.compare import compare
from training.errors import JobError
from training.evaluate import data_drift

ROWS: Final = 600


def contract(**drift: Any) -> Contract:
    columns = {
        "height": {"type": "float"},
        "weight": {"type": "float", "nullable": True},
        "site": {"type": "category"},
        "ill": {"type": "boolean"},
    }
    raw = {"task": "classification", "target": "ill", "columns": columns, "metric": {"name": "roc_auc"}}
    return parse({**raw, "drift": {"multivariate": 0.7, **drift}}, "m")


def table(seed: int, *, correlation: float = 0.9, site: str = "a") -> pa.Table:
    """Height and weight that go together, each of the same spread whatever the correlation."""
    draw = np.random.default_rng(seed)
    height = draw.normal(size=ROWS)
    weight = correlation * height + np.sqrt(1 - correlation**2) * draw.normal(size=ROWS)
    sites = draw.choice([site, "b", "c"], size=ROWS)
    made = {"height": height, "weight": weight, "site": sites, "ill": draw.random(ROWS) < 0.5}
    return pa.table({**made, "__bucket": pa.array(draw.integers(0, 10_000, ROWS), pa.uint16())})


def channels(base: Path, before: dict[str, pa.Table], new: dict[str, pa.Table], *, moved: bool = False) -> Path:
    """What the evaluation job is given; `moved`: the channel's prefix is a part of the paths."""
    listed = base / "candidates" / ("bucket" if moved else "")
    lay(base / "data", before | new)
    lay(listed / "curated/m", before)
    manifest(base / "dataset", before | new)
    if before:
        manifest(listed / "datasets/m/d1", before)
    return base


def lay(folder: Path, files: dict[str, pa.Table]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        pq.write_table(content, folder / f"{name}.parquet")


def manifest(folder: Path, files: dict[str, pa.Table]) -> None:
    folder.mkdir(parents=True)
    parts = [{"id": n, "key": n, "version": "1", "curated": n, "rows": t.num_rows} for n, t in files.items()]
    (folder / "manifest.json").write_text(json.dumps({"objects": parts}))


def measured(tmp_path: Path, new: pa.Table, **drift: Any) -> DataDrift:
    found = compare(channels(tmp_path, {"old": table(1)}, {"new": new}), contract(**drift))
    assert found is not None
    return found


def test_data_of_the_same_kind_cannot_be_told_apart(tmp_path: Path) -> None:
    found = measured(tmp_path, table(2))
    assert found.auc == pytest.approx(0.5, abs=found.noise)
    assert not found.exceeds(0.5)
    assert (found.rows, found.before) == (ROWS, ROWS)


def test_columns_that_go_together_otherwise_are_seen_though_each_alone_looks_the_same(tmp_path: Path) -> None:
    found = measured(tmp_path, table(2, correlation=-0.9))
    assert found.auc > 0.9
    assert set(found.features[:2]) == {"height", "weight"}
    assert found.exceeds(0.75)


def test_a_new_category_is_seen_and_named(tmp_path: Path) -> None:
    found = measured(tmp_path, table(2, site="z"))
    assert found.features[0] == "site"
    assert found.exceeds(0.6)


def test_the_same_data_gives_the_same_figure_wherever_the_channel_puts_it(tmp_path: Path) -> None:
    given: dict[str, Any] = {"before": {"old": table(1)}, "new": {"new": table(2, site="z")}}
    one = compare(channels(tmp_path / "one", **given), contract())
    other = compare(channels(tmp_path / "other", **given, moved=True), contract())
    assert one == other is not None


def test_without_a_reference_or_new_files_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert compare(channels(tmp_path / "first", {}, {"new": table(1)}), contract()) is None
    assert compare(channels(tmp_path / "same", {"old": table(1)}, {}), contract()) is None


def test_too_few_rows_are_not_compared_and_the_reason_is_given(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="600 new rows and 600 of the champion's, where each side needs 601"):
        measured(tmp_path, table(2), min_rows=601)


def test_the_evaluation_says_how_far_new_data_lies_where_the_contract_asks(tmp_path: Path) -> None:
    given = channels(tmp_path, {"old": table(1)}, {"new": table(2, site="z")})
    assert data_drift(given, contract())["drift"]["features"][0] == "site"
    assert data_drift(given, contract(multivariate=None)) == {}


def test_that_nobody_can_tell_is_written_into_the_evaluation_and_stops_it_not(tmp_path: Path) -> None:
    given = channels(tmp_path, {"old": table(1)}, {"new": table(2)})
    assert data_drift(given, contract(min_rows=601))["drift_skipped"].startswith("600 new rows")
