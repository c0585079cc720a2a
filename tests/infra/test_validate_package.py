"""What the function Validate carries, unpacked as Lambda unpacks it, is enough to judge a file."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from benchmarks.judging.package import LAMBDA_LIMIT, MODEL, Unpacked, unpack
from retide.demo.data import tumour_rows, write
from tests.infra.conftest import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    return unpack(ROOT, tmp_path_factory.mktemp("function"))


def test_the_function_judges_a_file_with_nothing_but_its_zip_its_layer_and_boto3(
    unpacked: Unpacked, tmp_path: Path
) -> None:
    answer = unpacked.judge(write(tmp_path / "rows.csv", tumour_rows()), MODEL)
    assert (answer["verdict"]["accepted"], answer["verdict"]["rows"]) == (True, 569)
    standard = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    homes = tuple(map(str, (unpacked.task, unpacked.layer, unpacked.runtime, *standard)))
    files = {name: file for name, file in answer["modules"].items() if file}
    assert {name: file for name, file in files.items() if not file.startswith(homes)} == {}
    assert files["duckdb"].startswith(str(unpacked.layer))
    assert files["retide.data.judge"].startswith(str(unpacked.task))


def test_the_function_says_there_too_what_is_wrong_with_a_file(unpacked: Unpacked, tmp_path: Path) -> None:
    rows = tumour_rows()
    rows[3]["site"] = "Z"
    verdict = unpacked.judge(write(tmp_path / "rows.csv", rows), MODEL)["verdict"]
    (finding,) = verdict["findings"]
    assert (verdict["accepted"], finding["rule"], finding["column"]) == (False, "values", "site")
    assert finding["examples"] == [{"row": 4, "value": "Z"}]


def test_the_function_and_its_layer_leave_half_of_lambda_s_limit_free(unpacked: Unpacked) -> None:
    assert 0 < unpacked.size < LAMBDA_LIMIT / 2


def test_a_module_that_the_zip_lacks_is_missed(unpacked: Unpacked, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", tumour_rows())
    bare = Unpacked(unpacked.task, tmp_path / "no-layer", unpacked.runtime)
    with pytest.raises(RuntimeError, match="No module named 'duckdb'"):
        bare.judge(file, MODEL)
