"""Which files a batch sends, and how its bad rows are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from retide.cli.commands.batch import _in_words, found
from retide.cli.failures import CliError
from retide.cli.stage import Stage
from retide.cli.target import Target


@pytest.fixture
def stage() -> Stage:
    return Stage(Target("dev", None))


def test_a_folder_gives_all_its_files_in_order_and_names_what_it_leaves_out(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("b.csv", "deep/a.jsonl.gz", "picture.png", ".hidden.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    assert [file.name for file in found(stage, str(tmp_path))] == ["b.csv", "deep/a.jsonl.gz"]
    assert "picture.png is left out: a batch reads .csv" in capsys.readouterr().out


def test_one_file_is_a_batch(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "rows.CSV").write_bytes(b"x")
    assert [file.name for file in found(stage, str(tmp_path / "rows.CSV"))] == ["rows.CSV"]


@pytest.mark.parametrize(
    ("names", "asked", "said"),
    [
        ((), "nowhere", "there is no file"),
        ((), "", "there is no file in"),
        (("a.parquet",), "", "no file of .* has a format that a batch reads: send one of .csv"),
    ],
)
def test_what_is_no_batch_is_refused_in_words(
    stage: Stage, tmp_path: Path, names: tuple[str, ...], asked: str, said: str
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CliError, match=said):
        list(found(stage, str(tmp_path / asked)))


def test_a_bad_row_is_told_with_its_key_its_column_and_its_value() -> None:
    trouble = {"row": 7, "key": {"person": "A"}, "field": "age", "value": "old", "reason": "must be a number"}
    assert _in_words(trouble) == "row 7 (person A): age = 'old': must be a number"
    assert _in_words({**trouble, "key": {}, "field": None}) == "row 7: must be a number"
