"""Every format that files come in: the same table in any of them becomes the same typed bytes, and none is guessed."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import judge
from retide.data.dialect import CsvSource
from retide.data.source import identify
from retide.domain.contract import Contract, ContractError, parse
from retide.domain.dataset import rules_digest
from retide.domain.formats import DELIMITERS, Encoding
from retide.domain.verdict import Severity, Verdict
from tests.unit.data.tables import HEADER, contract, csv_text, read, rows, write

TABLE = rows(40)
GOOD = csv_text(TABLE)
BARE = GOOD.partition("\n")[2]
SPECIAL = [["Zoë, 5 €", *row[1:]] if i == 3 else row for i, row in enumerate(TABLE)]
ANY_PLAN: Mapping[str, Any] = {"values": []}


def formatted(**settings: str) -> Contract:
    return contract({"format": settings})


def quoted(table: list[list[object]]) -> str:
    """As CSV, every field in quotes: outside of them, a carriage return would end the row."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([HEADER, *table])
    return text.getvalue()


def json_lines(table: list[list[object]]) -> str:
    return "".join(json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) + "\n" for row in table)


def curated(tmp_path: Path, content: str | bytes, rules: Contract | None = None) -> bytes:
    """What is kept of a file that must be accepted."""
    kept = tmp_path / "kept"
    verdict = judge(write(tmp_path / "file", content), rules or contract(), keep=kept)
    assert verdict.accepted, verdict.reason
    return kept.read_bytes()


def judged(tmp_path: Path, content: str | bytes, rules: Contract | None = None) -> Verdict:
    return judge(write(tmp_path / "file", content), rules or contract())


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(GOOD.encode()),
        gzip.compress(GOOD[:99].encode()) + gzip.compress(GOOD[99:].encode()),
        zstd.compress(GOOD.encode()),
        zstd.compress(GOOD[:99].encode()) + zstd.compress(GOOD[99:].encode()),
        GOOD.encode("utf-16"),
        b"\xfe\xff" + GOOD.encode("utf-16-be"),
        GOOD.encode("utf-8-sig"),
        gzip.compress(GOOD.encode("utf-16")),
        GOOD.replace("\n", "\r\n", 7).encode(),
        BARE,
        BARE.replace(",", "\t"),
        json_lines(TABLE),
        gzip.compress(json_lines(TABLE).encode()),
        zstd.compress(json_lines(TABLE).encode("utf-16")),
        json_lines(TABLE).replace(", ", "  ,\t"),
        *(csv_text(TABLE, delimiter=sign) for sign in DELIMITERS),
    ],
)
def test_the_same_table_in_any_format_is_the_same_bytes(tmp_path: Path, content: str | bytes) -> None:
    assert curated(tmp_path, content) == curated(tmp_path, GOOD)


@pytest.mark.parametrize("encoding", [e for e in Encoding if e is not Encoding.UTF_8])
def test_an_encoding_that_the_contract_names_is_read(tmp_path: Path, encoding: Encoding) -> None:
    table = [["Zoë", *row[1:]] if i == 3 else row for i, row in enumerate(TABLE)]
    told = formatted(encoding=encoding)
    assert curated(tmp_path, csv_text(table).encode(encoding), told) == curated(tmp_path, csv_text(table))


@pytest.mark.parametrize("content", [csv_text(SPECIAL).encode(), csv_text(SPECIAL).encode("utf-16")])
def test_valid_utf_8_and_a_mark_say_more_than_the_contract(tmp_path: Path, content: bytes) -> None:
    assert curated(tmp_path, content, formatted(encoding="windows-1252")) == curated(tmp_path, csv_text(SPECIAL))


def test_an_encoding_is_never_guessed(tmp_path: Path) -> None:
    verdict = judged(tmp_path, csv_text(SPECIAL).encode("windows-1252"))
    assert "0xeb at byte" in verdict.reason
    assert "line 5, byte 4" in verdict.reason
    assert "name that in the contract (format.encoding)" in verdict.reason


def test_bytes_that_the_named_encoding_lacks_are_refused(tmp_path: Path) -> None:
    content = GOOD.replace("C00003", "\x81").encode("latin-1")
    assert "text in windows-1252 that breaks" in judged(tmp_path, content, formatted(encoding="windows-1252")).reason


def test_a_file_without_a_header_is_read_in_the_contracts_order_and_that_is_said(tmp_path: Path) -> None:
    (told,) = judged(tmp_path, BARE).findings
    assert (told.rule, told.severity) == ("columns", Severity.WARN)
    assert "read as the 6 columns of the contract, in their order" in told.seen
    assert judged(tmp_path, BARE, formatted(header="no")).findings == ()


def test_the_first_row_of_a_file_without_a_header_is_row_one(tmp_path: Path) -> None:
    verdict = judged(tmp_path, BARE.replace(",basic,0,", ",gold,0,", 1))
    (finding,) = verdict.refusals
    assert [(example.row, example.value) for example in finding.examples] == [(1, "gold")]
    assert verdict.rows == len(TABLE)


@pytest.mark.parametrize(
    ("content", "header", "says"),
    [
        (BARE, "yes", "The first line looks like data"),
        (BARE.replace(",", ",,", 1), "no", "6 fields, as files without a header have"),
        (BARE.replace("2026-01-01T12:00:00Z,basic", "basic,2026-01-01T12:00:00Z", 1), "auto", "none of them"),
    ],
)
def test_what_fits_no_column_is_not_taken_for_a_row(tmp_path: Path, content: str, header: str, says: str) -> None:
    assert says in judged(tmp_path, content, formatted(header=header)).reason


def test_a_header_is_used_even_where_the_contract_says_there_is_none(tmp_path: Path) -> None:
    turned = csv_text([row[::-1] for row in TABLE], HEADER[::-1])
    assert curated(tmp_path, turned, formatted(header="no")) == curated(tmp_path, GOOD)
    (told,) = judged(tmp_path, turned, formatted(header="no")).findings
    assert (told.severity, "found by them" in told.seen) == (Severity.WARN, True)


def test_a_named_delimiter_is_the_only_one(tmp_path: Path) -> None:
    assert curated(tmp_path, csv_text(TABLE, delimiter="\t"), formatted(delimiter="tab")) == curated(tmp_path, GOOD)
    assert "none of them" in judged(tmp_path, GOOD, formatted(delimiter="semicolon")).reason


def test_a_decimal_comma_is_read_where_the_contract_says_so(tmp_path: Path) -> None:
    table = [[*row[:4], str(row[4]).replace(".", ","), row[5]] for row in TABLE]
    told = formatted(decimal=",")
    assert curated(tmp_path, csv_text(table, delimiter=";"), told) == curated(tmp_path, GOOD)
    assert "a number such as" in judged(tmp_path, csv_text(TABLE, delimiter=";"), told).reason
    thousands = [[*row[:4], "1.234,5", row[5]] for row in TABLE]
    assert "a number such as" in judged(tmp_path, csv_text(thousands, delimiter=";"), told).reason


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"decimal": ",", "delimiter": "comma"}, "format.decimal: , separates the fields already"),
        ({"decimal": ";"}, "format.decimal: ';' is not one of"),
        ({"delimiter": "ab"}, "format.delimiter: 'ab' is not one of"),
        ({"encoding": "utf8"}, "format.encoding: 'utf8' is not one of utf-8"),
        ({"header": "maybe"}, "format.header: 'maybe' is not one of auto, yes, no"),
        ({"quote": "'"}, "format.quote: is unknown here"),
    ],
)
def test_a_format_that_cannot_be_is_a_problem_of_the_contract(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(ContractError) as error:
        formatted(**settings)
    assert problem in str(error.value)


def test_a_format_is_part_of_what_data_is_held_to() -> None:
    assert rules_digest(formatted(decimal=",")) != rules_digest(contract())
    assert parse(formatted(delimiter="tab").to_dict(), "churn") == formatted(delimiter="tab")


def test_json_lines_have_the_numbers_of_their_lines(tmp_path: Path) -> None:
    lines = json_lines(TABLE).replace('"plan": "pro"', '"plan": "gold"', 1).splitlines()
    (finding,) = judged(tmp_path, "\n".join(lines)).refusals
    assert [(example.row, example.value) for example in finding.examples] == [(2, "gold")]


def test_json_lines_name_the_keys_that_nobody_knows(tmp_path: Path) -> None:
    (told,) = judged(tmp_path, json_lines(TABLE).replace('"customer"', '"note": 1, "customer"')).findings
    assert (told.severity, told.seen) == (Severity.WARN, "1 more: note")


def test_a_line_of_json_that_is_no_row_is_told_in_words_of_json(tmp_path: Path) -> None:
    lines = json_lines(TABLE).splitlines()
    (told,) = (
        found for found in judged(tmp_path, "\n".join([*lines, lines[0][:-3]])).findings if found.rule == "shape"
    )
    assert told.expected == "a JSON object on each line"
    assert "JSON object" in (told.advice or "")
    assert [example.row for example in told.examples] == [len(lines) + 1]


def test_a_line_of_json_that_is_no_row_is_told_with_its_number_and_why(tmp_path: Path) -> None:
    lines = json_lines(TABLE).splitlines()
    lines[4] = lines[4][:-2]
    source = identify(write(tmp_path / "file", "\n".join(lines)), tmp_path, contract())
    assert isinstance(source, CsvSource)
    assert source.flaws == {5: f"no JSON object: Expecting value at character {len(lines[4]) - 3}"}
    (finding,) = judged(tmp_path, "\n".join(lines)).refusals
    assert (finding.rule, finding.rows, finding.examples[0].row) == ("shape", 1, 5)


@settings(max_examples=20, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30))
def test_any_text_comes_through_csv_and_json_lines_alike(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    table = [[f"{text}{i}x", *row[1:]] for i, row in enumerate(TABLE)]
    curated(folder, quoted(table))
    there = read(folder / "kept", "SELECT customer FROM data")
    assert [row[0] for row in there] == [row[0] for row in table]
    curated(folder, json_lines(table))
    assert read(folder / "kept", "SELECT customer FROM data") == there
