"""How a file is written is found out before anything of it is known: header, delimiter, encoding, decimal sign."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from retide.domain.contract import ColumnType
from retide.domain.formats import Encoding, Header
from retide.inference.draft import Wishes
from retide.inference.errors import CannotInfer
from retide.inference.scaffold import propose
from tests.unit.inference.drafts import column, contract, lines, proposed, spread, told


def label(row: int) -> str:
    return "AB"[row * 31 % 7 < 3]


def test_a_file_without_a_header_takes_its_names_from_columns_and_its_contract_says_so(tmp_path: Path) -> None:
    text = lines(100, spread, lambda i: f" {label(i + 1)}", label, header="")
    draft = proposed(tmp_path, text, "y", columns=("a", "b", "y"))
    assert contract(draft).format.header is Header.NO
    assert set(column(draft, "b").values) == {"A", "B"}
    assert draft.verdict.findings == ()


def test_a_file_without_a_header_shows_its_first_line_where_nobody_names_its_columns(tmp_path: Path) -> None:
    with pytest.raises(CannotInfer, match=r"no header: its first line is 0.0, 1, B \(3 fields\)"):
        proposed(tmp_path, lines(100, spread, lambda _: 1, label, header=""), "y")


def test_names_that_are_not_as_many_as_the_fields_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotInfer, match="--columns names 2, but the first line has 3 fields"):
        proposed(tmp_path, lines(100, spread, spread, label, header=""), "y", columns=("a", "y"))


def test_names_for_a_file_that_has_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotInfer, match="it has a header of its own, a, b, y"):
        proposed(tmp_path, lines(100, spread, spread, label, header="a,b,y"), "y", columns=("a", "c", "y"))


def test_a_german_export_is_read_with_its_comma_and_its_umlauts(tmp_path: Path) -> None:
    text = lines(100, lambda i: f"{spread(i):.2f}".replace(".", ","), label, header="Größe;Kündigung", sign=";")
    draft = proposed(tmp_path, text.encode("windows-1252"), "Kündigung")
    assert (contract(draft).format.decimal, contract(draft).format.encoding) == (",", Encoding.WINDOWS_1252)
    assert column(draft, "Größe").type is ColumnType.FLOAT
    assert "windows-1252 fits every byte" in told(draft)


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_any_common_delimiter_is_found(tmp_path: Path, sign: str) -> None:
    text = lines(100, spread, lambda _: "1,5", label, header=sign.join("aby"), sign=sign)
    assert [one.name for one in contract(proposed(tmp_path, text, "y")).columns] == ["a", "b", "y"]


def test_a_column_without_a_name_is_left_out_and_told(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(100, lambda i: i, spread, label, header=",b,y"), "y")
    assert [one.name for one in contract(draft).columns] == ["b", "y"]
    assert "column 1 has no name" in told(draft)


def test_json_lines_are_drafted_from_their_keys(tmp_path: Path) -> None:
    rows = [f'{{"a": {spread(i)}, "b": null, "y": "{label(i)}"}}\n' for i in range(100)]
    draft = proposed(tmp_path, "".join(rows), "y")
    assert {one.name: one.type.value for one in contract(draft).columns} == {
        "a": "float",
        "b": "string",
        "y": "category",
    }


def test_parquet_keeps_its_types_and_nested_columns_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    rows = "SELECT i % 13 AS a, [i] AS nested, TIMESTAMP '2026-01-01' + to_hours(CAST(i AS INTEGER)) AS at, "
    rows += "(i * 37 % 101) / 10.0 AS y FROM range(200) AS t(i)"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows}) TO '{file}' (FORMAT parquet)")
    draft = propose(file, Wishes("y", "draft"))
    assert {one.name: one.type.value for one in contract(draft).columns} == {
        "a": "integer",
        "at": "timestamp",
        "y": "float",
    }
    assert "nested: Parquet type BIGINT[] is no cell of a table" in told(draft)


def test_a_parquet_file_whose_pages_are_damaged_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT i % 13 AS a, i * 37 % 101 AS y FROM range(999) AS t(i)")
        connection.execute(f"COPY t TO '{file}'")
    content = bytearray(file.read_bytes())
    content[4:60] = bytes(56)
    file.write_bytes(content)
    with pytest.raises(CannotInfer, match="it breaks while it is read"):
        propose(file, Wishes("y", "draft"))
