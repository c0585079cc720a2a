"""Whatever the bytes: the judge answers with a verdict, and never with an exception."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import judge
from tests.unit.data.tables import contract, csv_text, rows, write

cuts = st.tuples(
    st.floats(0, 1), st.integers(0, 20), st.binary(max_size=6) | st.sampled_from([b'"', b",", b"\n", b"\r"])
)


@cache
def sound(kind: str) -> bytes:
    text = csv_text(rows(6)).encode()
    if kind == "csv":
        return text
    with TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.parquet"
        judge(write(Path(folder) / "file", text), contract(), keep=kept)
        return kept.read_bytes()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@settings(max_examples=25, deadline=None)
@given(changes=st.lists(cuts, min_size=1, max_size=3))
def test_a_damaged_file_gets_a_verdict_that_says_why(kind: str, changes: list[tuple[float, int, bytes]]) -> None:
    content = sound(kind)
    for share, length, instead in changes:
        place = int(share * len(content))
        content = content[:place] + instead + content[place + length :]
    with TemporaryDirectory() as folder:
        verdict = judge(write(Path(folder) / "file", content), contract(), keep=Path(folder) / "kept")
    assert verdict.accepted == (verdict.curated is not None) == (verdict.reason == "")
