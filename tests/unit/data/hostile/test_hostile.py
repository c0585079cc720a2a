"""Whatever arrives: a verdict in words, within seconds, and nothing beyond the file is touched."""

import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from retide.data import judge
from tests.patience import SLACK
from tests.unit.data.hostile.case import Case
from tests.unit.data.hostile.json_cases import json_cases
from tests.unit.data.hostile.large_cases import large_cases
from tests.unit.data.hostile.packed_cases import packed_cases
from tests.unit.data.hostile.parquet_cases import parquet_cases
from tests.unit.data.hostile.text_cases import text_cases
from tests.unit.data.hostile.value_cases import value_cases

SECONDS: Final = 5 * SLACK  # of processor time; no case should come near it
MEMORY: Final = 2 * 2**30  # bytes: what the function has that judges
CASES: Final = [*text_cases(), *value_cases(), *json_cases(), *packed_cases(), *parquet_cases(), *large_cases()]


@contextmanager
def at_most(more: int) -> Iterator[None]:
    """No more memory than this beside what is taken already, as far as the system can be told so."""
    if sys.platform != "linux":
        yield
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("hostile", CASES, ids=str)
def test_a_hostile_file_gets_a_verdict_in_words_and_in_time(tmp_path: Path, hostile: Case) -> None:
    file = tmp_path / "file"
    hostile.make(file)
    before = time.process_time()
    with at_most(MEMORY):
        verdict = judge(file, hostile.rules)
    assert time.process_time() - before < SECONDS
    if not (hostile.harmless and verdict.accepted):
        assert verdict.accepted == (not hostile.refused), verdict.reason
        assert hostile.refused in verdict.reason
    assert all(finding.advice and finding.expected and finding.seen for finding in verdict.findings)
    assert not re.search(r"/\w+/", verdict.reason), "a path of this machine"
    assert all(character.isprintable() for character in verdict.reason)


def test_there_are_at_least_two_hundred_of_them_and_no_two_of_one_name() -> None:
    names = {hostile.name for hostile in CASES}
    assert len(names) == len(CASES) >= 200
