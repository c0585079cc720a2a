"""What `push` looks at before it sends a file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.cli.failures import CliError
from retide.cli.files import check, why_not


@pytest.mark.parametrize(
    "head",
    [
        b"a,b\n1,2\n",
        b"\xef\xbb\xbfa;b\n1;2\n",
        b"a\tb\n",
        b"PAR1\x00\x15\x04",
        gzip.compress(b"a,b\n1,2\n", mtime=0),
        b"a,b\n1,\x00\x00damage behind the header is the gate's task\n",
        "größe,name\n".encode("latin-1"),
    ],
)
def test_what_can_be_csv_or_parquet_is_sent(head: bytes) -> None:
    assert why_not(head) is None


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        (b"PK\x03\x04\x14\x00", "binary"),
        (b'{"a": 1, "b": 2}', "JSON"),
        (b"<html>, <body>", "XML"),
        (b"Dear colleagues\n", "no comma"),
        (b"\x1f\x8bno gzip, though it says so", "binary"),
        (b"\n \n", "no comma"),
    ],
)
def test_what_cannot_be_csv_or_parquet_is_refused_with_the_reason(head: bytes, reason: str) -> None:
    assert reason in (why_not(head) or "")


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(head: bytes) -> None:
    answer = why_not(head)
    assert answer is None or "\n" not in answer


def test_a_missing_file_a_folder_and_an_empty_file_are_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    for path, said in ((tmp_path / "nope.csv", "no file"), (tmp_path, "folder"), (empty, "empty")):
        with pytest.raises(CliError, match=said) as refused:
            check(path)
        assert str(path) in str(refused.value)


def test_the_refusal_of_a_picture_names_the_file(tmp_path: Path) -> None:
    picture = tmp_path / "rows.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    with pytest.raises(CliError, match=r"rows\.csv is neither CSV nor Parquet"):
        check(picture)
