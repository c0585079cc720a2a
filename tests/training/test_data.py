"""A dataset is read as its manifest froze it."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import judge
from retide.domain.contract import Contract, parse
from tests.training.container import write_dataset
from training import data
from training.errors import JobError

COLUMNS: Final = {
    "id": {"type": "string"},
    "at": {"type": "timestamp"},
    "x": {"type": "float", "nullable": True},
    "y": {"type": "integer"},
}


def contract(**more: Any) -> Contract:
    base = {"task": "regression", "target": "y", "metric": {"name": "mae"}, "columns": COLUMNS}
    return parse({**base, "id": ["id"], "event_time": "at", **more}, "example")


def rows(*entries: tuple[str, int, int], day: int = 1) -> pa.Table:
    """Entries of (id, y, bucket)."""
    ids, targets, buckets = zip(*entries, strict=True)
    moments = [datetime(2026, 1, day)] * len(ids)  # noqa: DTZ001 - as a file without a time zone holds them
    xs = [float(target) for target in targets]
    return pa.table({"id": ids, "at": moments, "x": xs, "y": targets, "__bucket": pa.array(buckets, pa.uint16())})


def load(folder: Path, *tables: pa.Table, wanted: Contract | None = None, **options: Any) -> data.Split:
    write_dataset(folder, {f"f{number}": table for number, table in enumerate(tables)}, **options)
    return data.load(folder / "data", folder / "dataset", wanted or contract())


def test_a_bucket_below_the_threshold_is_held_out(tmp_path: Path) -> None:
    split = load(tmp_path, rows(("a", 1, 0), ("b", 2, 1999), ("c", 3, 2000), ("d", 4, 9999)))
    assert split.holdout["id"].to_pylist() == ["a", "b"]
    assert split.training["id"].to_pylist() == ["c", "d"]


def test_files_of_a_manifest_are_found_with_and_without_its_prefix_in_their_paths(tmp_path: Path) -> None:
    first, second = rows(("a", 1, 0), ("b", 2, 5000)), rows(("b", 9, 5000))
    plain = load(tmp_path, first, second)
    below = tmp_path / "data/curated/example"
    below.mkdir(parents=True)
    for file in (tmp_path / "data").glob("*.parquet"):
        file.rename(below / file.name)
    assert data.load(tmp_path / "data", tmp_path / "dataset", contract()) == plain


def test_of_equal_ids_the_row_that_arrived_last_wins(tmp_path: Path) -> None:
    first, second = rows(("a", 1, 0), ("b", 2, 5000), ("b", 3, 5000)), rows(("b", 9, 5000))
    assert load(tmp_path, first, second).training["y"].to_pylist() == [9]
    assert load(tmp_path, second, first).training["y"].to_pylist() == [3]


def test_without_ids_equal_rows_all_count(tmp_path: Path) -> None:
    split = load(tmp_path, rows(("a", 1, 0), ("b", 2, 5000), ("b", 2, 5000)), wanted=contract(id=[]))
    assert split.training.num_rows == 2


def test_a_file_that_arrived_twice_counts_once_where_it_came_last(tmp_path: Path) -> None:
    write_dataset(tmp_path, {"f0": rows(("a", 1, 0), ("b", 1, 5000)), "f1": rows(("b", 2, 5000))})
    objects = [{"curated": name} for name in ("f0", "f1", "f0")]
    manifest = f'{{"dataset": "d1", "objects": {objects}, "bucket_threshold": 2000, "cutoff": null}}'
    (tmp_path / "dataset/manifest.json").write_text(manifest.replace("'", '"'))
    assert data.load(tmp_path / "data", tmp_path / "dataset", contract()).training["y"].to_pylist() == [1]


def test_rows_before_the_cut_off_are_left_out(tmp_path: Path) -> None:
    old, new = rows(("a", 1, 0), ("b", 2, 5000), day=1), rows(("c", 3, 0), ("d", 4, 5000), day=9)
    split = load(tmp_path, old, new, cutoff=datetime(2026, 1, 9, tzinfo=UTC).isoformat())
    assert (split.holdout["id"].to_pylist(), split.training["id"].to_pylist()) == (["c"], ["d"])


@settings(max_examples=25, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=8), min_size=1, max_size=4))
def test_the_holdout_never_overlaps_training_in_whatever_batches_rows_arrive(
    batches: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    anchors = rows(("held", 0, 0), ("trained", 0, 9999))
    tables = [rows(*((f"r{number}", number, number * 330) for number in batch)) for batch in batches]
    split = load(tmp_path_factory.mktemp("d"), anchors, *tables)
    held, trained = (set(part["id"].to_pylist()) for part in (split.holdout, split.training))
    assert not held & trained
    assert held | trained == {"held", "trained", *(f"r{number}" for batch in batches for number in batch)}
    assert split.holdout.num_rows + split.training.num_rows == len(held | trained)


def judged(folder: Path, lines: list[str], rules: Contract) -> pa.Table:
    """A file as the gate of data types it, with the buckets that it gives."""
    file, kept = folder / "file.csv", folder / "kept.parquet"
    file.write_text("\n".join(["id,at,x,y", *lines]) + "\n")
    verdict = judge(file, rules, keep=kept)
    assert verdict.accepted, verdict.reason
    return pq.read_table(kept)


@pytest.mark.parametrize("ids", [["id"], []])
def test_a_split_by_time_holds_out_whole_days_that_no_model_of_any_earlier_dataset_learned_from(
    ids: list[str], tmp_path: Path
) -> None:
    """Files arrive in any order of time, correct rows of earlier ones and repeat others to the letter."""
    rules, draw = contract(id=ids), random.Random(7)
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=draw.randrange(24 * 60)) for _ in range(120)]
    lines = [
        f"r{draw.randrange(60)},{moment:%Y-%m-%dT%H:%M:%SZ},{draw.randrange(3)},{draw.randrange(3)}"
        for moment in moments
    ]
    files = [
        judged(tmp_path, list({line.split(",")[0]: line for line in lines[first : first + 40]}.values()), rules)
        for first in (0, 20, 80)
    ]
    learned: set[tuple[object, ...]] = set()
    for count in (1, 2, 3):
        split = load(tmp_path, *files[:count], wanted=rules)
        names = ids or ["at", "x", "y"]
        parts = (split.training, split.holdout)
        trained, held = ({tuple(row[name] for name in names) for row in part.to_pylist()} for part in parts)
        learned |= trained
        assert held
        assert not held & learned
        days = {(row["at"] - datetime(1970, 1, 1, tzinfo=UTC)).days % 5 for row in split.holdout.to_pylist()}
        assert days == {4}


def test_data_of_too_few_days_to_split_by_time_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"of each 5 days by at\); send data of more days, .* \(holdout_days: 0\)"):
        load(tmp_path, rows(("a", 1, 9999)))


@pytest.mark.parametrize(("bucket", "part"), [(0, "training part"), (9999, "holdout")])
def test_an_empty_part_is_refused_by_name(bucket: int, part: str, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=f"The {part} of dataset d1 holds no row"):
        load(tmp_path, rows(("a", 1, bucket), ("b", 2, bucket)))


def test_a_nullable_column_that_old_files_lack_is_missing_there(tmp_path: Path) -> None:
    split = load(tmp_path, rows(("a", 1, 0), ("b", 2, 5000)).drop_columns(["x"]), rows(("c", 3, 5000)))
    assert split.training["x"].to_pylist() == [None, 3.0]


def test_a_column_that_the_contract_demands_and_a_file_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"f0\.parquet lacks column 'y'.*make it nullable"):
        load(tmp_path, rows(("a", 1, 0)).drop_columns(["y"]))


def test_a_column_of_another_type_is_named(tmp_path: Path) -> None:
    broken = rows(("a", 1, 0)).set_column(3, "y", pa.array(["many"]))
    with pytest.raises(JobError, match=r"Column 'y' of f0\.parquet is no integer"):
        load(tmp_path, broken)


def test_a_file_without_buckets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="lacks the column __bucket"):
        load(tmp_path, rows(("a", 1, 0)).drop_columns(["__bucket"]))


def test_a_file_that_is_missing_or_no_parquet_is_named(tmp_path: Path) -> None:
    write_dataset(tmp_path, {"f0": rows(("a", 1, 0))})
    file = tmp_path / "data/f0.parquet"
    file.write_bytes(b"not parquet")
    with pytest.raises(JobError, match=r"f0\.parquet cannot be read"):
        data.load(tmp_path / "data", tmp_path / "dataset", contract())
    file.unlink()
    with pytest.raises(JobError, match=r"f0\.parquet cannot be read"):
        data.load(tmp_path / "data", tmp_path / "dataset", contract())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"dataset": "d1", "objects": 3, "bucket_threshold": 1, "cutoff": null}']
)
def test_a_manifest_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    write_dataset(tmp_path, {"f0": rows(("a", 1, 0))})
    (tmp_path / "dataset/manifest.json").write_text(text)
    with pytest.raises(JobError, match=r"manifest\.json .* cannot be read"):
        data.load(tmp_path / "data", tmp_path / "dataset", contract())


def test_free_text_is_not_even_read(tmp_path: Path) -> None:
    columns = {**COLUMNS, "notes": {"type": "string"}}
    split = load(tmp_path, rows(("a", 1, 0), ("b", 2, 5000)), wanted=contract(columns=columns))
    assert "notes" not in split.training.column_names
    assert pq.ParquetFile(tmp_path / "data/f0.parquet").metadata.num_columns == 5


VERSIONS: Final = st.lists(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9999)), min_size=1, max_size=6),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(files=VERSIONS)
def test_no_model_is_ever_judged_on_an_id_that_it_or_a_champion_before_it_learned_from(
    files: list[list[tuple[str, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever a correction does to the time of a row, and so to the side that this version of it is on."""
    learned: set[str] = set()
    for count in range(1, len(files) + 1):
        tables = [rows(*((name, 1, bucket) for name, bucket in file)) for file in files[:count]]
        try:
            split = load(tmp_path_factory.mktemp("d"), *tables)
        except JobError:
            continue  # one side is empty: nothing is trained or judged
        learned |= set(split.training["id"].to_pylist())
        assert not learned & set(split.holdout["id"].to_pylist())
        assert split.training.num_rows + split.holdout.num_rows == len(
            {name for file in files[:count] for name, _ in file}
        )
