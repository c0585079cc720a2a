"""No file name, no path and no content makes the judge read or write anything but the one file and its scratch."""
# ruff: noqa: S608 - the statements are the tests' own

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from retide.data import judge
from retide.data.columns import scan
from retide.data.engine import confine, connect
from retide.data.source import identify
from tests.unit.data.hostile.case import GOOD, RULES
from tests.unit.data.tables import csv_text, parquet, rows, write

NAMES = (
    "*.csv",
    "?.csv",
    "[ab].csv",
    "[!z].csv",
    "**",
    "{a,b}.csv",
    "a.csv,b.csv",
    "it's.csv",
    "x'); COPY (SELECT 1) TO 'owned.csv'; --",
    'x") --',
    "$HOME.csv",
    "~root.csv",
    "%2e%2e%2fa.csv",
    "-rf",
    "a b\tc\nd.csv",
    "naïve \u202evsc.csv",
    "s3:__bucket.csv",
    "x" * 200,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_of_any_name_is_read_alone(tmp_path: Path, name: str, kind: str) -> None:
    folder = tmp_path / "plan=gold"
    folder.mkdir()
    table = write(tmp_path / "table", GOOD)
    query = f"SELECT * FROM read_csv('{table}', types={{'customer': 'VARCHAR'}})"
    content = GOOD.encode() if kind == "csv" else parquet(tmp_path / "plain", query).read_bytes()
    for neighbour in ("a.csv", "b.csv", "z"):
        write(folder / neighbour, csv_text(rows(7)))
    before = sorted(folder.iterdir())
    file = write(folder / name, content)
    verdict = judge(file, RULES)
    assert (verdict.accepted, verdict.rows, verdict.findings) == (True, 20, ())
    assert sorted(folder.iterdir()) == sorted([*before, file])


def test_a_link_is_read_as_the_file_that_it_leads_to(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(write(tmp_path / "file", GOOD))
    assert judge(link, RULES).accepted


@pytest.fixture
def confined(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    connection = connect(scratch)
    confine(connection, scratch, write(tmp_path / "file", GOOD))
    return connection


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_csv('/etc/passwd', delim=':')",
        "FROM read_text('/etc/hostname')",
        "FROM read_blob('{outside}')",
        "FROM glob('{folder}/*')",
        "FROM read_csv('{folder}/scratch/../secret')",
        "FROM read_csv('{folder}/scratch/link')",
        "FROM read_csv('https://example.com/x.csv')",
        "FROM read_parquet('s3://bucket/x.parquet')",
        "COPY (SELECT 1) TO '{folder}/owned.csv'",
        "COPY (SELECT 1) TO '{folder}/scratch/../owned.csv'",
        "ATTACH '{folder}/owned.db'",
        "EXPORT DATABASE '{folder}/owned'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET disabled_optimizers = ''",
        "RESET memory_limit",
    ],
)
def test_no_statement_leaves_the_scratch(confined: duckdb.DuckDBPyConnection, tmp_path: Path, statement: str) -> None:
    outside = write(tmp_path / "secret", "secret")
    (tmp_path / "scratch" / "link").symlink_to(outside)
    with pytest.raises(duckdb.Error, match=r"disabled|locked|cannot be|Cannot|not allowed|running"):
        confined.execute(statement.format(outside=outside, folder=tmp_path)).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "scratch", "secret"]


def test_what_is_allowed_still_works(confined: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Else the refusals above would say nothing."""
    rows_ = scan(identify(tmp_path / "file", tmp_path / "scratch", RULES), RULES, confined).relation
    confined.execute(f"COPY (SELECT * FROM {rows_}) TO '{tmp_path}/scratch/copy.parquet'")
    query = f"SELECT count(*) FROM read_parquet('{tmp_path}/scratch/copy.parquet')"
    assert confined.execute(query).fetchall() == [(20,)]
