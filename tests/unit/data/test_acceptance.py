"""Good files: whatever their dress, the same rows become the same typed bytes, with their profile."""
# ruff: noqa: S608 - the statements are the tests' own

import gzip
import hashlib
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retide.data import judge
from retide.domain.contract import Contract, parse
from retide.domain.verdict import Verdict
from tests.patience import SLACK
from tests.unit.churn import CHURN
from tests.unit.data.tables import HEADER, changed, contract, csv_text, parquet, read, rows, write

ROOT = Path(__file__).parents[3]
GOOD = csv_text(rows())


def accepted(path: Path, rules: Contract | None = None, keep: Path | None = None) -> Verdict:
    verdict = judge(path, rules or contract(), keep=keep or path.with_name(f"{path.name}.kept"))
    assert verdict.accepted, verdict.reason
    return verdict


def bucket(*values: object) -> int:
    """The definition, written a second time: md5 of each value with its length before it, little-endian."""
    content = "".join("-" if value is None else f"{len(str(value))}:{value}" for value in values)
    return int.from_bytes(hashlib.md5(content.encode(), usedforsecurity=False).digest(), "little") % 10_000


@pytest.mark.parametrize(
    "dress",
    [
        GOOD,
        csv_text(rows(), delimiter=";"),
        csv_text(rows(), delimiter="\t"),
        csv_text(rows(), delimiter="|"),
        csv_text(rows(), newline="\r\n"),
        csv_text(rows(), newline="\r"),
        GOOD.rstrip("\n"),
        GOOD + "\n",
        "\n\n" + GOOD,
        "\ufeff" + GOOD,
        '\ufeff"customer"' + GOOD.removeprefix("customer"),
        gzip.compress(GOOD.encode(), mtime=0),
        csv_text([row[::-1] for row in rows()], HEADER[::-1]),
        csv_text([[*row, "x"] for row in rows()], (*HEADER, "note")),
        csv_text(rows(), tuple(f" {name} " for name in HEADER)),
        csv_text([[*row[:2], f" {row[2]}\u00a0", f" {row[3]}", f"{row[4]} ", str(row[5]).upper()] for row in rows()]),
        csv_text([[*row[:3], f"{row[3]}.0", f"+{row[4]}", int(bool(row[5]))] for row in rows()]),
        csv_text([[row[0], str(row[1]).replace("T12:00:00Z", " 13:00:00+01:00"), *row[2:]] for row in rows()]),
    ],
)
def test_the_same_rows_are_the_same_bytes_in_any_dress(tmp_path: Path, dress: str | bytes) -> None:
    plain = accepted(write(tmp_path / "plain", GOOD))
    assert accepted(write(tmp_path / "dressed", dress)).curated == plain.curated


def test_parquet_and_csv_of_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    table = write(tmp_path / "table.csv", GOOD)
    casts = (
        "customer, seen_at::TIMESTAMPTZ AS seen_at, plan::ENUM('basic', 'pro') AS plan, months::SMALLINT AS months, "
        'spend::DECIMAL(9, 2) AS spend, "left"::BOOLEAN AS "left", 1 AS s1'
    )
    query = f"SELECT {casts} FROM read_csv('{table}', all_varchar=true)"
    as_parquet = accepted(parquet(tmp_path / "table.parquet", query))
    assert as_parquet.curated == accepted(table).curated


def test_a_parquet_file_may_use_any_names_beside_the_contracts(tmp_path: Path) -> None:
    table = write(tmp_path / "table.csv", GOOD)
    names = ", ".join(
        f'{i} AS "{name}"' for i, name in enumerate(["row", "p0", "v0", "s1", "c3", "t2", "__row", 'a""b'])
    )
    query = f"SELECT *, {names} FROM read_csv('{table}', types={{'customer': 'VARCHAR'}})"
    assert accepted(parquet(tmp_path / "table.parquet", query)).curated == accepted(table).curated


def test_what_is_kept_has_the_contracts_types_and_is_named_by_its_digest(tmp_path: Path) -> None:
    kept = tmp_path / "kept.parquet"
    verdict = accepted(write(tmp_path / "file", csv_text(changed(1, "spend", "NA"))), keep=kept)
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == verdict.curated
    types = [row[1] for row in read(kept, "DESCRIBE FROM data")]
    assert types == ["VARCHAR", "TIMESTAMP", "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "USMALLINT"]
    assert read(kept, "SELECT * REPLACE (CAST(seen_at AS VARCHAR) AS seen_at) FROM data")[:2] == [
        ("C00000", "2026-01-01 12:00:00", "basic", 0, None, True, bucket("C00000")),
        ("C00001", "2026-01-02 12:00:00", "pro", 1, 1.5, False, bucket("C00001")),
    ]


def test_a_refused_file_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = tmp_path / "kept.parquet"
    assert not judge(write(tmp_path / "file", csv_text(changed(1, "plan", "gold"))), contract(), keep=kept).accepted
    assert not kept.exists()


def test_strings_keep_their_blanks_and_quoted_fields_their_line_breaks(tmp_path: Path) -> None:
    kept = tmp_path / "kept.parquet"
    accepted(write(tmp_path / "file", csv_text(changed(2, "customer", ' a,"b"\n '))), keep=kept)
    assert read(kept)[1][0] == ' a,"b"\n '


def test_the_bucket_of_a_row_depends_on_its_id_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    accepted(write(tmp_path / "one", GOOD), keep=one)
    later = [[row[0], "2026-09-09", "pro", 7, 7, False] for row in rows()]
    accepted(write(tmp_path / "other", csv_text(later[::-1])), keep=other)
    query = "SELECT customer, __bucket FROM data ORDER BY 1"
    assert read(one, query) == read(other, query) == [(name, bucket(name)) for name in (f"C{i:05d}" for i in range(20))]


def test_without_an_id_the_bucket_is_that_of_features_and_target(tmp_path: Path) -> None:
    rules = parse({**CHURN, "id": []}, "churn")
    kept = tmp_path / "kept.parquet"
    accepted(write(tmp_path / "file", csv_text(changed(3, "spend", ""))), rules, kept)
    table = read(kept)
    assert [row[-1] for row in table[:2]] == [bucket("basic", 0, "0.0", "true"), bucket("pro", 1, "1.5", "false")]
    assert table[2][-1] == bucket("basic", 2, None, "false")


def test_buckets_spread_evenly(tmp_path: Path) -> None:
    kept = tmp_path / "kept.parquet"
    accepted(write(tmp_path / "file", csv_text(rows(5000))), keep=kept)
    ((share,),) = read(kept, "SELECT avg((__bucket < 2000)::INT) FROM data")
    assert 0.18 < share < 0.22


def test_a_split_by_time_holds_out_the_end_of_each_period_whatever_else_a_row_says(tmp_path: Path) -> None:
    kept, minute, period = tmp_path / "kept.parquet", 60, 5 * 24 * 3600
    moments = [-3 * period, -1, 0, 4 * 24 * 3600 - minute, 4 * 24 * 3600, period - minute, period, 7 * period + 86_400]
    made = [
        [f"C{number:05d}", f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}", *rows()[0][2:]]
        for number, moment in enumerate(moments)
    ]
    accepted(write(tmp_path / "file", csv_text(made)), contract({"holdout_days": None}), keep=kept)
    found = read(kept, "SELECT epoch(seen_at)::BIGINT, __bucket FROM data")
    assert [moment for moment, _ in found] == moments
    for moment, place in found:
        assert place == (period * 1_000_000 - 1 - moment * 1_000_000 % (period * 1_000_000)) * 10_000 // (
            period * 1_000_000
        )
    assert [place < 2000 for _, place in found] == [False, True, False, False, True, True, False, False]


def test_a_file_of_many_row_groups_keeps_its_order_and_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    query = (
        "SELECT 'C' || i AS customer, TIMESTAMP '2026-01-01' + to_seconds(i) AS seen_at, 'pro' AS plan, "
        'i % 600 AS months, i / 7 AS spend, i % 2 = 0 AS "left" FROM range(130000) t(i)'
    )
    source, kept = parquet(tmp_path / "file", query), tmp_path / "kept.parquet"
    assert accepted(source, keep=kept).curated == accepted(source).curated
    assert read(kept, f"SELECT count(DISTINCT row_group_id) FROM parquet_metadata('{kept}')") == [(2,)]
    assert read(kept, "SELECT list(customer) FROM data")[0][0] == [f"C{i}" for i in range(130_000)]


def test_the_profile_says_what_is_in_the_file(tmp_path: Path) -> None:
    table = [
        ["a", "2026-01-02", "pro", 600, "", 1],
        ["b", "2026-01-01", "pro", 0, 3, 0],
        ["c", "2026-01-03", "basic", 30, 4, 0],
    ]
    profile: Any = accepted(write(tmp_path / "file", csv_text(table))).profile
    assert profile.rows == 3
    months = profile.columns["months"].numbers
    assert (months.count, months.minimum, months.maximum, months.mean) == (3, 0, 600, 210)
    assert months.m2 == pytest.approx(210**2 + 390**2 + 180**2)
    assert months.histogram == (1, 1, *[0] * 18, 1, 0)
    assert profile.columns["spend"].nulls == 1
    assert sum(profile.columns["spend"].numbers.histogram) == 2
    assert profile.columns["plan"].categories.top == [("pro", 2), ("basic", 1)]
    assert profile.columns["left"].categories.counts == {"false": 2, "true": 1}
    assert profile.columns["seen_at"].numbers.maximum == datetime.fromisoformat("2026-01-03T00:00Z").timestamp()


LAYER_ONLY = """
import sys
from pathlib import Path
allowed = set(sys.stdlib_module_names) | {"duckdb", "_duckdb", "backports", "retide"}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
from retide.domain.contract import parse
from retide.data import judge
verdict = judge(Path(sys.argv[1]), parse(eval(sys.argv[2]), "churn"), keep=Path(sys.argv[1] + ".rows"))
print(verdict.accepted, verdict.curated)
"""


def test_duckdb_and_the_standard_library_are_enough(tmp_path: Path) -> None:
    file = write(tmp_path / "file", GOOD)
    command = [sys.executable, "-c", LAYER_ONLY, str(file), repr(dict(CHURN))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60 * SLACK, check=False)
    assert done.stdout.split() == ["True", accepted(file).curated], done.stderr
