"""Bad files: each is refused with the rule, what was seen, the first rows and what to do, in plain words."""

import gzip
from pathlib import Path

import pytest

from retide.data import judge
from retide.domain.verdict import Example, Finding, Severity, Verdict
from tests.unit.data.tables import HEADER, changed, contract, csv_text, parquet, rows, write

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
GOOD = csv_text(rows())
CUT_OFF = gzip.compress(csv_text(rows(5000)).encode(), mtime=0)[:4000]


def refused(verdict: Verdict) -> Finding:
    """The one reason of a refusal."""
    assert not verdict.accepted
    assert (verdict.curated, verdict.profile) == (None, None)
    assert "Traceback" not in verdict.reason
    (finding,) = verdict.refusals
    return finding


@pytest.mark.parametrize(
    ("content", "seen", "advice"),
    [
        (b"", "an empty file (0 bytes)", "Send the file again"),
        ("\n\n\n", "only blank lines or empty cells", "Send the file again"),
        (PNG, "a PNG image, whatever its name says", "Export the table"),
        (b"PK\x03\x04rest of a spreadsheet", "a spreadsheet (.xlsx)", "Export the table"),
        (b"%PDF-1.7", "a PDF document", "Export the table"),
        (b"SQLite format 3\0", "an SQLite database", "Export the table"),
        ('[{"customer": 1}]', "a JSON array", "one object on each line"),
        ("<html></html>", "HTML or XML text", "Export the table"),
        (GOOD.encode("utf-32"), "text in UTF-32", "UTF-8"),
        (GOOD.encode("utf-16-le"), "a NUL byte at byte 1: line 1, byte 2", "looks like utf-16-le without a mark"),
        (GOOD.encode() + b"C9,2026-01-01,pro,1,1,true\0\n", "a NUL byte at byte 1,002: line 22, byte 27", "Export"),
        (GOOD.replace("C00007", "Zoë").encode("latin-1"), "0xeb at byte 362: line 9, byte 3", "format.encoding"),
        (CUT_OFF, "a gzip file that ends or breaks after", "compress and send it again"),
        (gzip.compress(b"", mtime=0), "an empty file", "Send the file again"),
        (gzip.compress(PNG, mtime=0), "a PNG image", "Export the table"),
        (b"PAR1" + b"x" * 100, "a Parquet file that is cut off (its 104 bytes lack the end)", "send the file again"),
        (b"PAR1" + b"x" * 100 + b"PAR1", "whose footer cannot be right", "export and send it again"),
        ("a" * 2**20 + "\n", "a first line of over", "Begin the file with a header"),
        ('"' + "a\n" * 100_000, "a first line that is not CSV", "Export the table as CSV again"),
    ],
)
def test_what_is_no_table_is_named_for_what_it_is(tmp_path: Path, content: str | bytes, seen: str, advice: str) -> None:
    finding = refused(judge(write(tmp_path / "file.csv", content), contract()))
    assert finding.rule == "readable"
    assert seen in finding.seen
    assert advice in finding.advice


def test_a_header_alone_is_no_data(tmp_path: Path) -> None:
    finding = refused(judge(write(tmp_path / "file", ",".join(HEADER) + "\n"), contract()))
    assert (finding.rule, finding.seen) == ("rows", "only a header")


def test_a_parquet_file_without_rows_is_no_data(tmp_path: Path) -> None:
    columns = "'a' customer, now()::TIMESTAMP seen_at, 'pro' plan, 1 AS months, 1.0 spend, true AS \"left\""
    verdict = judge(parquet(tmp_path / "file", f"SELECT {columns} WHERE false"), contract())
    assert refused(verdict).rule == "rows"


@pytest.mark.parametrize(
    ("header", "seen", "advice"),
    [
        ("customer day plan months spend left", "seen_at missing; unknown in the file: day", "Add what is missing"),
        ("customer Seen-At plan MONTHS spend left", "seen_at, months missing", "'Seen-At' to 'seen_at', 'MONTHS' to"),
        ("C1 today pro twelve few 0", "none of them", "The first line looks like data"),
    ],
)
def test_missing_columns_are_named_with_what_is_there_instead(
    tmp_path: Path, header: str, seen: str, advice: str
) -> None:
    finding = refused(judge(write(tmp_path / "file", csv_text(rows(), header.split())), contract()))
    assert finding.rule == "columns"
    assert seen in finding.seen
    assert advice in finding.advice


def test_a_delimiter_that_nobody_knows_is_explained(tmp_path: Path) -> None:
    finding = refused(judge(write(tmp_path / "file", csv_text(rows(), delimiter="!")), contract()))
    assert "no comma, semicolon, tab or bar" in finding.advice


def test_a_column_given_twice_is_refused(tmp_path: Path) -> None:
    table = [[*row, 1] for row in rows()]
    finding = refused(judge(write(tmp_path / "file", csv_text(table, (*HEADER, "months"))), contract()))
    assert (finding.rule, finding.column, finding.seen) == ("columns", "months", "2 of them")


@pytest.mark.parametrize(
    ("column", "value", "rule", "expected", "advice"),
    [
        ("months", "many", "type", "a whole number", "Correct these values"),
        ("months", "1.5", "type", "a whole number", "Correct these values"),
        ("months", "99999999999999999999", "type", "a whole number", "Correct these values"),
        ("spend", "3,14", "type", "a number such as 12.5", "decimal point and without thousands"),
        ("spend", "1_000", "type", "a number such as 12.5", "Correct these values"),
        ("spend", "inf", "type", "finite", "Correct these values"),
        ("spend", "1e300", "type", "also in 32 bits", "Correct these values"),
        ("left", "maybe", "type", "true or false", "Correct these values"),
        ("seen_at", "01/02/2026", "type", "a time like 2026-11-05T12:00:00Z", "Correct these values"),
        ("seen_at", "infinity", "type", "a time like", "Correct these values"),
        ("seen_at", "2026-02-30", "type", "a time like", "Correct these values"),
        ("months", "-1", "range", "0 to 600", "Check the unit"),
        ("months", "601", "range", "0 to 600", "Check the unit"),
        ("spend", "-0.01", "range", "at least 0", "Check the unit"),
        ("spend", "-1e9", "range", "at least 0", "Check the unit"),
        ("spend", "-7", "range", "at least 0", "Check the unit"),
        ("plan", "gold", "values", "one of basic, pro", "Correct these values"),
        ("plan", "PRO", "values", "one of basic, pro", "Correct these values"),
    ],
)
def test_a_bad_cell_is_shown_with_its_row_and_value(
    tmp_path: Path, column: str, value: str, rule: str, expected: str, advice: str
) -> None:
    finding = refused(judge(write(tmp_path / "file", csv_text(changed(7, column, value))), contract()))
    assert (finding.rule, finding.column, finding.rows) == (rule, column, 1)
    assert finding.examples == (Example(7, value),)
    assert expected in finding.expected
    assert advice in finding.advice
    assert finding.seen.startswith("1 row ")


@pytest.mark.parametrize("marker", ["", "NA", "NaN", "null", "?", "  ", " NA "])
def test_a_missing_marker_in_a_column_that_must_be_full_is_refused(tmp_path: Path, marker: str) -> None:
    finding = refused(judge(write(tmp_path / "file", csv_text(changed(3, "months", marker))), contract()))
    assert (finding.rule, finding.column, finding.examples) == ("required", "months", (Example(3, "(missing)"),))


def test_a_cell_of_the_wrong_type_is_not_also_called_missing(tmp_path: Path) -> None:
    verdict = judge(write(tmp_path / "file", csv_text(changed(3, "months", "x"))), contract())
    assert [finding.rule for finding in verdict.findings] == ["type"]


def test_at_most_five_rows_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    table = [[*row[:3], 700 + i, *row[4:]] for i, row in enumerate(rows(30))]
    finding = refused(judge(write(tmp_path / "file", csv_text(table)), contract()))
    assert finding.rows == 30
    assert [(example.row, example.value) for example in finding.examples] == [(i + 1, str(700 + i)) for i in range(5)]


def test_all_reasons_are_given_at_once(tmp_path: Path) -> None:
    table = rows()
    table[0][3], table[1][2], table[2][4], table[3][0] = 900, "gold", "lots", ""
    verdict = judge(write(tmp_path / "file", csv_text(table)), contract())
    assert {(finding.rule, finding.column) for finding in verdict.refusals} == {
        ("range", "months"), ("values", "plan"), ("type", "spend"), ("required", "customer"),
    }  # fmt: skip
    assert verdict.rows == 20


def test_an_id_that_comes_twice_is_shown_with_its_first_row(tmp_path: Path) -> None:
    table = changed(9, "customer", "C00002")
    finding = refused(judge(write(tmp_path / "file", csv_text(table)), contract()))
    assert (finding.rule, finding.rows, finding.examples) == ("unique", 2, (Example(3, "C00002 (2 times)"),))
    assert finding.seen == "1 id in 2 rows"


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("C99,2026-01-01,pro,1", "too few fields (4 instead of 6)"),
        ("C99,2026-01-01,pro,1,1.5,true,extra", "too many fields (7 instead of 6)"),
        ('C99,2026-01-01,"pro,1,1.5,true', "a quote that is never closed"),
    ],
)
def test_a_row_of_another_shape_is_refused_with_its_place(tmp_path: Path, line: str, shape: str) -> None:
    finding = refused(judge(write(tmp_path / "file", f"{csv_text(rows(4))}{line}\n"), contract()))
    assert (finding.rule, finding.rows) == ("shape", 1)
    assert f"1 row that does not; row 5 has {shape}" in finding.seen
    assert finding.examples[0].row == 5


@pytest.mark.parametrize(("missing", "accepted"), [(10, True), (11, False)])
def test_a_column_may_lack_its_share_and_no_more(tmp_path: Path, missing: int, accepted: bool) -> None:
    table = [[*row[:4], "" if i < missing else row[4], row[5]] for i, row in enumerate(rows(20))]
    verdict = judge(write(tmp_path / "file", csv_text(table)), contract())
    assert verdict.accepted is accepted
    assert [finding.seen for finding in verdict.findings] == ([] if accepted else ["55% missing"])


def test_a_column_without_any_value_is_refused(tmp_path: Path) -> None:
    table = [[*row[:4], "", row[5]] for row in rows(20)]
    finding = refused(judge(write(tmp_path / "file", csv_text(table)), contract()))
    assert (finding.rule, finding.seen, finding.rows) == ("missing", "no value in any row", 20)


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("'12' AS months", "months"),
        ("true AS months", "months"),
        ("'1.5' AS spend", "spend"),
        ("1 AS \"left\"", "left"),
        ("7 AS plan", "plan"),
        ("5 AS seen_at", "seen_at"),
        ("[1] AS customer", "customer"),
    ],
)  # fmt: skip
def test_a_parquet_column_of_another_type_is_refused_by_its_name(tmp_path: Path, cell: str, column: str) -> None:
    good = [
        "'a' AS customer",
        "TIMESTAMP '2026-01-01' AS seen_at",
        "'pro' AS plan",
        "1 AS months",
        "1.5 AS spend",
        'true AS "left"',
    ]
    cells = [cell if good_cell.endswith((f" {column}", f'"{column}"')) else good_cell for good_cell in good]
    finding = refused(judge(parquet(tmp_path / "file", f"SELECT {', '.join(cells)}"), contract()))
    assert (finding.rule, finding.column) == ("type", column)
    assert "Parquet column of type" in finding.expected


def test_a_fraction_in_a_parquet_column_of_whole_numbers_is_shown(tmp_path: Path) -> None:
    query = (
        "SELECT 'a' || i AS customer, DATE '2026-01-01' AS seen_at, 'pro' AS plan, i / 2 AS months, 1.5 AS spend, "
        'i > 2 AS "left" FROM range(4) t(i)'
    )
    finding = refused(judge(parquet(tmp_path / "file", query), contract()))
    assert (finding.rule, finding.examples) == ("type", (Example(2, "0.5"), Example(4, "1.5")))


def test_columns_that_the_contract_does_not_know_are_dropped_with_a_warning(tmp_path: Path) -> None:
    extra = [f"extra_{i}" for i in range(10)]
    table = [[*row, *range(10)] for row in rows()]
    verdict = judge(write(tmp_path / "file", csv_text(table, (*HEADER, *extra))), contract())
    assert verdict.accepted
    (finding,) = verdict.findings
    assert (finding.severity, finding.rule) == (Severity.WARN, "columns")
    assert finding.seen.startswith("10 more: extra_0, extra_1")


def test_a_file_of_one_class_is_taken_with_a_warning(tmp_path: Path) -> None:
    verdict = judge(write(tmp_path / "file", csv_text([[*row[:5], True] for row in rows()])), contract())
    assert verdict.accepted
    assert [(finding.rule, finding.seen) for finding in verdict.findings] == [("target", "'true' in every row")]


def test_a_long_value_is_shown_in_one_short_line(tmp_path: Path) -> None:
    table = changed(2, "plan", "very\n" * 100)
    (example,) = refused(judge(write(tmp_path / "file", csv_text(table)), contract())).examples
    assert len(example.value) == 80
    assert "\n" not in example.value


def test_a_verdict_survives_its_json_form(tmp_path: Path) -> None:
    for name, table in {"good": rows(), "bad": changed(1, "plan", "gold")}.items():
        verdict = judge(write(tmp_path / name, csv_text(table)), contract())
        assert Verdict.from_dict(verdict.to_dict()) == verdict


def test_with_a_column_missing_the_others_are_checked_all_the_same(tmp_path: Path) -> None:
    table = [[row[0], *row[2:]] for row in changed(4, "plan", "gold")]
    verdict = judge(write(tmp_path / "file", csv_text(table, (HEADER[0], *HEADER[2:]))), contract())
    assert [(finding.rule, finding.column) for finding in verdict.findings] == [("values", "plan"), ("columns", "")]
    assert verdict.findings[1].seen == "seen_at missing; unknown in the file: nothing"


def test_a_file_that_lacks_most_columns_is_another_file(tmp_path: Path) -> None:
    finding = judge(write(tmp_path / "file", "customer,plan\nC1,gold\n"), contract()).refusals
    assert [found.rule for found in finding] == ["columns"]
