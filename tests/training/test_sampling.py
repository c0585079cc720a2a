"""Which rows are learned from: the newest of each id, and of many a sample that only the rows themselves decide."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.contract import Contract
from tests.training import generate
from tests.training.container import write_dataset
from training import data, sampling

YES_NO: Final = {"type": "category", "values": ["no", "yes"]}
DAY: Final = sampling.DAY


def contract(**policy: Any) -> Contract:
    return generate.contract(YES_NO, sampling=policy) if policy else generate.contract(YES_NO)


def selection(folder: Path, wanted: Contract, *tables: pa.Table) -> data.Selection:
    write_dataset(folder, {f"f{number}": table for number, table in enumerate(tables)})
    return data.select(folder / "data", folder / "dataset", wanted)


def learned(folder: Path, wanted: Contract, *tables: pa.Table) -> set[str]:
    return set(selection(folder, wanted, *tables).table(sampling.TRAINING)["id"].to_pylist())


def uniform(count: int, seed: int = 0) -> sampling.Hashes:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def test_a_sample_is_the_same_however_the_rows_are_cut_into_files_and_ordered(tmp_path: Path) -> None:
    rows, wanted = generate.table(contract(), rows=1000), contract(rows=200)
    whole = learned(tmp_path / "a", wanted, rows)
    backwards = rows.take(pa.array(np.arange(1000)[::-1]))
    assert learned(tmp_path / "b", wanted, backwards.slice(0, 300), backwards.slice(300)) == whole
    assert 190 <= len(whole) <= 200


def test_new_rows_only_push_rows_out(tmp_path: Path) -> None:
    before, new = generate.table(contract(), rows=600), generate.table(contract(), rows=600, seed=1)
    old = learned(tmp_path / "a", contract(rows=200), before)
    both = learned(tmp_path / "b", contract(rows=200), before, new)
    assert {name for name in both if name.startswith("0-")} <= old


def test_the_holdout_is_never_thinned_and_never_learned_from(tmp_path: Path) -> None:
    rows = generate.table(contract(), rows=1000)
    whole, thinned = (selection(tmp_path / w, contract(**p), rows) for w, p in (("a", {}), ("b", {"rows": 100})))
    assert thinned.table(sampling.HOLDOUT) == whole.table(sampling.HOLDOUT)
    held = set(whole.table(sampling.HOLDOUT)["id"].to_pylist())
    assert not held & set(thinned.table(sampling.TRAINING)["id"].to_pylist())


def test_what_was_taken_of_how_many_is_said(tmp_path: Path) -> None:
    rows = generate.table(contract(), rows=1000)
    found = selection(tmp_path, contract(rows=100), rows)
    taken = found.table(sampling.TRAINING).num_rows
    of = 1000 - found.table(sampling.HOLDOUT).num_rows
    assert found.sampled == {"rows": taken, "of": of, "method": "stratified", "half_life_days": None}
    assert selection(tmp_path / "b", contract(rows=10_000), rows).size(sampling.LEFT_OUT) == 0
    assert selection(tmp_path / "c", contract(), rows).sampled is None


def test_a_part_can_be_thinned_evenly_and_is_whole_where_it_is_small(tmp_path: Path) -> None:
    found = selection(tmp_path, contract(), generate.table(contract(), rows=500), generate.table(contract(), seed=1))
    whole = found.table(sampling.HOLDOUT)
    assert found.thinned(sampling.HOLDOUT, 1000) == whole
    step = -(-whole.num_rows // 40)
    assert found.thinned(sampling.HOLDOUT, 40)["id"].to_pylist() == whole["id"].to_pylist()[::step]


def test_a_corrected_row_counts_once_and_as_it_came_last(tmp_path: Path) -> None:
    rows = generate.table(contract(), rows=400)
    place = rows.schema.get_field_index("answer")
    turned = rows.set_column(place, "answer", pa.array(["yes"] * 400))
    found = selection(tmp_path, contract(rows=150), rows, turned).table(sampling.TRAINING)
    assert found.num_rows <= 150
    assert set(found["answer"].to_pylist()) == {"yes"}


def test_without_ids_rows_are_sampled_by_what_they_hold(tmp_path: Path) -> None:
    wanted = generate.contract(YES_NO, id=[], sampling={"rows": 200})
    rows = generate.table(generate.contract(YES_NO), rows=1000)
    ids = learned_without_ids(tmp_path / "a", wanted, rows)
    assert ids == learned_without_ids(tmp_path / "b", wanted, rows.slice(500), rows.slice(0, 500))
    assert 190 <= len(ids) <= 200


def learned_without_ids(folder: Path, wanted: Contract, *tables: pa.Table) -> list[float]:
    return sorted(selection(folder, wanted, *tables).table(sampling.TRAINING)["amount in €"].fill_null(0).to_pylist())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 2000), min_size=1, max_size=8), st.integers(100, 3000))
def test_strata_keep_their_shares_and_rare_ones_their_rows(sizes: list[int], most: int) -> None:
    strata = np.repeat(np.arange(len(sizes)), sizes).astype(np.float64)
    taken = sampling.stratified(uniform(len(strata)), strata, most)
    counts = np.bincount(strata[taken].astype(int), minlength=len(sizes))
    assert len(taken) <= most
    assert len(set(taken.tolist())) == len(taken)
    for size, count in zip(sizes, counts, strict=True):
        assert min(size, sampling.LEAST, most // len(sizes)) <= count <= size
    if sum(sizes) > most:
        assert len(taken) >= most - len(sizes)


def test_numbers_are_stratified_by_tenths() -> None:
    target = np.random.default_rng(1).lognormal(size=20_000)
    taken = sampling.stratified(uniform(20_000), sampling.binned(target), 1000)
    assert np.bincount(sampling.binned(target)[taken].astype(int)).tolist() == [100] * 10


def test_the_chance_of_a_row_halves_with_every_half_life() -> None:
    """1,000 of 100,000 rows, half of them 0 and half of them 2 half-lives old: expected 800 and 200 (sd about 13)."""
    time = np.repeat([10.0, 4.0], 50_000) * DAY
    taken = sampling.decayed(uniform(100_000), time, 3 * DAY, 1000)
    new = int((taken < 50_000).sum())
    assert len(taken) == 1000
    assert abs(new - 800) < 55


def test_rows_of_many_half_lives_ago_and_without_a_time_are_still_ordered() -> None:
    time = np.array([0.0, 1e9 * DAY, np.nan, 2e9 * DAY])
    assert sampling.decayed(uniform(4), time, DAY, 2).tolist() == [1, 3]
    assert sampling.decayed(uniform(3), np.full(3, np.nan), DAY, 2).shape == (2,)


@pytest.mark.parametrize("method", ["stratified", "time_decay"])
def test_time_decay_prefers_the_newest_and_says_so(method: str, tmp_path: Path) -> None:
    life = {"half_life_days": 2.0} if method == "time_decay" else {}
    wanted = contract(rows=100, method=method, **life)
    found = selection(tmp_path, wanted, generate.table(contract(), rows=1000)).table(sampling.TRAINING)
    ages = [moment.timestamp() for moment in found["seen at"].to_pylist()]
    middle = (np.median(ages) - ages[0]) / (ages[-1] - ages[0])
    assert middle > 0.75 if method == "time_decay" else 0.3 < middle < 0.7


def test_hashes_are_pinned_and_tell_apart_what_joins_to_the_same_text() -> None:
    """Another version must not choose another sample, nor take two rows for one."""
    table = pa.table({"id": ["a", "a1:b", "a", None], "region": ["1:b", "", None, "a"]})
    first, second = sampling.hashes(table, ("id", "region"))
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == 4
    assert first.tolist()[0] == 2853248750810385941
