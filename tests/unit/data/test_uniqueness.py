"""What no two rows may share: exactly, in one file and over several, whatever the number of threads."""
# ruff: noqa: S608 - the statements are the tests' own

import statistics
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import judge
from retide.data.engine import connect
from retide.data.leakage import leakage, sampled
from retide.data.statistics import measure
from retide.data.uniqueness import all_differ
from retide.domain.context import Context
from retide.domain.contract_parts import Unique
from retide.domain.verdict import Example, Finding, Verdict
from tests.unit.data.tables import HEADER, contract, csv_text, parquet, read, rows, write

EVERYWHERE = {"unique": [{"columns": ["customer", "months"], "scope": "everywhere"}], "id": []}
pairs = st.lists(st.tuples(st.sampled_from(["a", "a,b", "b", "NA", "1:a"]), st.integers(0, 3)), min_size=1, max_size=12)


def table(keys: list[tuple[str, int]]) -> str:
    good = rows(len(keys))
    return csv_text([[key, *row[1:3], months, *row[4:]] for row, (key, months) in zip(good, keys, strict=True)])


def repeats(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.rule == "unique"]


@settings(max_examples=25, deadline=None)
@given(pairs)
def test_repeated_combinations_are_those_that_counting_finds(keys: list[tuple[str, int]]) -> None:
    rules = contract({"id": [], "unique": [{"columns": ["customer", "months"]}]}, customer={"nullable": True})
    whole = [(i, key) for i, key in enumerate(keys, 1) if key[0] != "NA"]
    twice = {key: count for key, count in Counter(key for _, key in whole).items() if count > 1}
    with TemporaryDirectory() as folder:
        found = repeats(judge(write(Path(folder) / "file", table(keys)), rules))
    assert [finding.rows for finding in found] == ([sum(twice.values())] if twice else [])
    first = [Example(i, f"{', '.join(map(str, key))} ({twice[key]} times)") for i, key in whole if key in twice]
    shown = {example.value: example for example in reversed(first)}
    wanted = sorted(shown.values(), key=lambda example: example.row)[:5]
    assert [example for finding in found for example in finding.examples] == wanted


def test_a_parquet_file_and_a_kept_one_are_searched_for_repeats_too(tmp_path: Path) -> None:
    query = (
        "SELECT 'C' || (i % 7) AS customer, TIMESTAMP '2026-01-01' AS seen_at, 'pro' AS plan, i AS months, "
        'i / 2 AS spend, i > 2 AS "left" FROM range(8) t(i)'
    )
    for keep in (None, tmp_path / "kept"):
        (finding,) = repeats(judge(parquet(tmp_path / "file", query), contract(), keep=keep))
        assert (finding.rows, finding.examples) == (2, (Example(1, "C0 (2 times)"),))


def test_keys_of_an_accepted_file_tell_what_a_later_one_repeats(tmp_path: Path) -> None:
    rules, keys = contract(EVERYWHERE), tmp_path / "keys"
    first = [("a", 1), ("b", 2), ("c", 3)]
    assert judge(write(tmp_path / "first", table(first)), rules, keys=keys).accepted
    assert len(read(keys)) == 3
    context = Context(earlier_keys=(keys,))
    fresh = judge(write(tmp_path / "fresh", table([("a", 2), ("b", 1)])), rules, context=context)
    assert fresh.accepted, fresh.reason
    again = judge(write(tmp_path / "again", table([("x", 1), ("b", 2), ("c", 3)])), rules, context=context)
    (finding,) = repeats(again)
    assert not again.accepted
    assert "also in the objects accepted before" in finding.expected
    assert (finding.rows, finding.examples) == (2, (Example(2, "b, 2"), Example(3, "c, 3")))


def test_rows_that_an_earlier_object_has_can_be_taken_out_alone(tmp_path: Path) -> None:
    rules, keys, later = contract({**EVERYWHERE, "policy": {"reject_rows": 0.5}}), tmp_path / "keys", tmp_path / "later"
    judge(write(tmp_path / "first", table([("a", 1), ("b", 2)])), rules, keys=keys)
    context = Context(earlier_keys=(keys,))
    verdict = judge(write(tmp_path / "file", table([("b", 2), ("c", 3)])), rules, keys=later, context=context)
    assert (verdict.accepted, verdict.rows, verdict.rejected) == (True, 1, 1)
    assert len(read(later)) == 1


def test_equal_hashes_are_no_proof_of_equal_keys_but_different_ones_are_of_different_keys(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        assert all_differ("(SELECT i AS a FROM range(5000) t(i))", Unique(("a",)), connection)
        assert not all_differ("(SELECT i % 4999 AS a FROM range(5000) t(i))", Unique(("a",)), connection)
        assert all_differ("(SELECT NULL::INTEGER AS a FROM range(9))", Unique(("a",)), connection)


def test_the_number_of_threads_does_not_show_in_a_profile(tmp_path: Path) -> None:
    query = (
        "SELECT 'C' || i AS customer, TIMESTAMP '2026-01-01' + to_seconds(hash(i) % 999) AS seen_at, "
        "'p' || (hash(i) % 3) AS plan, CAST(hash(i, 1) % 600 AS BIGINT) AS months, "
        '(hash(i, 2) % 1000000) / 7 AS spend, hash(i) % 2 = 0 AS "left" FROM range(300000) t(i)'
    )
    file, rules = parquet(tmp_path / "file", query), contract(plan={"values": []})
    profiles = []
    for threads in (1, 2, 3, 8):
        with connect(tmp_path, threads) as connection:
            profiles.append(measure(f"read_parquet('{file}')", rules, connection).profile)
    assert [profile == profiles[0] for profile in profiles] == [True] * 4
    assert profiles[0].rows == 300_000


def test_moments_about_a_centre_are_exact_also_where_values_lie_far_outside_of_their_range(tmp_path: Path) -> None:
    rules = contract(plan={"values": []})
    for far in (600, 3 * 10**9):  # squared, the latter is beyond what a DOUBLE counts exactly
        query = (
            "SELECT 'C' || i AS customer, TIMESTAMP '2026-01-01' AS seen_at, 'p' AS plan, "
            f"""CAST(CASE WHEN i = 7 THEN {far} ELSE i % 5 END AS BIGINT) AS months, 1.5 AS spend, true AS "left" """
            "FROM range(1000) t(i)"
        )
        file = parquet(tmp_path / "file", query)
        with connect(tmp_path) as connection:
            found = measure(f"read_parquet('{file}')", rules, connection).profile.columns["months"].numbers
        values = [far if i == 7 else i % 5 for i in range(1000)]
        assert found is not None
        assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-9)
        assert found.m2 == pytest.approx(statistics.pvariance(values) * 1000, rel=1e-8)


def test_the_number_of_threads_does_not_show_in_what_is_told_of_leakage(tmp_path: Path) -> None:
    query = (
        "SELECT 'C' || i AS customer, TIMESTAMP '2026-01-01' AS seen_at, 'p' || (hash(i) % 3) AS plan, "
        "CAST(hash(i, 1) % 600 AS BIGINT) AS months, CASE WHEN i < 1998 THEN hash(i) % 2 ELSE 0.5 END AS spend, "
        'hash(i) % 2 = 0 AS "left" FROM range(300000) t(i)'
    )
    file, rules = parquet(tmp_path / "file", query), contract(plan={"values": []})
    told = []
    for threads in (1, 2, 8):
        with connect(tmp_path, threads) as connection:
            told.append(leakage(sampled(f"read_parquet('{file}')", rules, connection), rules))
    assert told == [told[0]] * 3
    assert [finding.column for finding in told[0]] == ["spend"]


def test_rows_and_their_bytes_are_the_same_whatever_their_dress(tmp_path: Path) -> None:
    """One of them takes the fast road, the other, with its blanks, the careful one."""
    good = rows(300)
    padded = [[*row[:3], f" {row[3]} ", *row[4:]] for row in good]
    plain = judge(write(tmp_path / "a", csv_text(good)), contract(), keep=tmp_path / "x")
    dressed = judge(
        write(tmp_path / "b", csv_text([*good[:299], [*good[299][:2], "pro ", *good[299][3:]]], HEADER)),
        contract(),
        keep=tmp_path / "y",
    )
    assert judge(write(tmp_path / "c", csv_text(padded)), contract(), keep=tmp_path / "z").curated == plain.curated
    assert dressed.curated == plain.curated


def test_what_is_kept_of_a_file_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Of several row groups, whose ends would tell how many threads had written them."""
    query = (
        "SELECT 'C' || i AS customer, TIMESTAMP '2026-01-01' + to_seconds(hash(i) % 999) AS seen_at, 'basic' AS plan, "
        """CAST(hash(i, 1) % 600 AS BIGINT) AS months, i / 7 AS spend, i % 2 = 0 AS "left" FROM range(260000) t(i)"""
    )
    file = parquet(tmp_path / "file", query)
    kept = {judge(file, contract(spend={"max": None}), keep=tmp_path / "kept").curated for _ in range(3)}
    assert len(kept) == 1
    assert None not in kept
    rows_in_order = f"read_parquet('{tmp_path / 'kept'}', file_row_number=true)"
    ids = read(tmp_path / "kept", f"SELECT count(*), bool_and(customer = 'C' || file_row_number) FROM {rows_in_order}")
    assert ids == [(260_000, True)]
