"""The fast road and the careful one read the same rows, or the fast one has a doubt."""
# ruff: noqa: S608 - the statements are the tests' own

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data import cells, judge
from retide.data.columns import scan
from retide.data.engine import confine, connect, name
from retide.data.native import native
from retide.data.source import identify
from retide.domain.contract import Contract
from tests.unit.data.tables import HEADER, contract, csv_text, write

RULES = contract(plan={"values": []}, spend={"min": None}, months={"min": None, "max": None})
numbers = st.sampled_from(
    [
        "1", "+1", "-0", "007", "1.0", "1.", ".5", "1.5", "1e3", "1E-3", "1_000", "1_0.5", "0x10", " 5", "5 ", "\t5",
        "5\u00a0", "inf", "nan", "NaN", "1e400", "-3.4e38", "3.5e38", "9007199254740993", "9223372036854775808", "",
        "NA", " NA ", "?", "null", "1,5", "e5", "--1", "\u0663",
    ]
) | st.floats(allow_nan=False).map(repr)  # fmt: skip
times = st.sampled_from(
    [
        "2026-01-05", "2026-1-5", "2026-01-05T10:00:00Z", "2026-01-05 10:00:00+01:00", "2026-01-05 10:00:00 +01:00",
        "2026-01-05 10:00:00 Europe/Berlin", "2026/01/05", "2026-01-05 10:00", "2026-01-05T10:00:00.123456789Z",
        "infinity", "epoch", "10000-01-01", "2026-01-05 (BC)", "0001-01-01", " 026-01-05", "-026-01-05", "0000-01-01",
        "2026-01-05 24:00:00", "2026-01-05 23:59:60", "2026-02-30", "20260105", " 2026-01-05 ", "2026-01-05t10:00:00",
        "2026-01-05T10:00:0Z", "2026-01-05  1:02:03", "2026-01-05T10:00:00+99:00", "9999-12-31T23:59:59-15:00",
        "2026-01-05 10:00:00", "2026-1-5 1:2:3", "2026-01-05T1:02:03Z", "2026-01-05\t", "\t2026-01-05T10:00:00Z\n",
        "2026-01-05 \t10:00:00", "1900-01-01", "1900-01-01T00:00:00Z", "EPOCH", "-infinity", "26-01-05", "\t",
        "2026-01-05T10:00:00 Z", "2026-01-05T10:00:00z", "2026-01- 5", "\u00a02026-01-05", "", "NA",
    ]
)  # fmt: skip
usual = st.sampled_from(["2026-01-05T10:00:00Z", "2026-01-05T10:00:00", "2026-01-05 10:00:00", "2026-01-05", "NA"])
texts = st.sampled_from(
    ["basic", " basic", "basic ", "basic\u00a0", "", "NA", " NA", "NA ", "?", "é", "a\tb", "\x1f", '"', "~"]
)
flags = st.sampled_from(["true", "F", "yes", "1", "1.0", "0.0", "on", "2", " true", "", "NA"])
PLAIN = ("C1", "2026-01-05T10:00:00Z", "basic", "7", "1.5", "true")
odd = st.one_of(
    *(st.tuples(st.just(place), cells) for place, cells in enumerate((texts, times, texts, numbers, numbers, flags)))
)
tables = st.lists(
    st.lists(odd, max_size=2).map(lambda cells: tuple({**dict(enumerate(PLAIN)), **dict(cells)}.values())),
    min_size=1,
    max_size=2,
)
after_a_usual_time = st.tuples(usual, tables).map(lambda found: [(PLAIN[0], found[0], *PLAIN[2:]), *found[1]])


@dataclass(frozen=True)
class Roads:
    """What each road reads: rows of typed values; None where the fast one has a doubt or raises."""

    fast: list[tuple[object, ...]] | None
    careful: list[tuple[object, ...]]
    misfits: int


def roads(table: Sequence[Sequence[object]], rules: Contract, *, parsed_times: bool = True) -> Roads:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        file = write(folder / "file", csv_text(table))
        connection = stack.enter_context(connect(folder))
        confine(connection, folder, file)
        source = identify(file, folder, rules)
        found = scan(source, rules, connection)
        names = ", ".join(name(column) for column in HEADER)
        values = ", ".join(f"v{i} AS {name(column)}" for i, column in enumerate(HEADER))
        wrong = " OR ".join(f"(p{i} IS NOT NULL AND v{i} IS NULL)" for i in range(len(HEADER)))
        typed = cells.select(found.cells, found.relation, rules)
        careful = connection.execute(f"SELECT {values} FROM {typed}").fetchall()
        ((misfits,),) = connection.execute(f"SELECT count(*) FROM {typed} WHERE {wrong}").fetchall()
        read = native(source, found, rules, parsed_times=parsed_times)
        doubt = " OR ".join(f"({doubt})" for doubt in read.doubts.values())
        try:
            ((doubts,),) = connection.execute(f"SELECT count(*) FROM {read.relation} WHERE {doubt}").fetchall()
            fast = None if doubts else connection.execute(f"SELECT {names} FROM {read.relation}").fetchall()
        except duckdb.Error:
            fast = None
        return Roads(fast, careful, misfits)


@settings(max_examples=80, deadline=None)
@given(tables | after_a_usual_time, st.booleans())
def test_what_the_fast_road_reads_without_a_doubt_is_what_the_careful_one_reads(
    table: list[tuple[str, ...]],
    parsed_times: bool,
) -> None:
    found = roads(table, RULES, parsed_times=parsed_times)
    if found.fast is not None:
        assert repr(found.fast) == repr(found.careful)
        assert found.misfits == 0


@pytest.mark.parametrize("parsed_times", [True, False])
@pytest.mark.parametrize("time", ["2026-01-05T10:00:00Z", "2026-01-05 10:00:00", "2026-01-05", "2026-1-5"])
def test_an_ordinary_row_raises_no_doubt(time: str, *, parsed_times: bool) -> None:
    found = roads([(PLAIN[0], time, *PLAIN[2:])] * 3, RULES, parsed_times=parsed_times)
    assert found.fast == found.careful != []


def test_times_written_in_several_ways_are_read_once_more_as_text(tmp_path: Path) -> None:
    several = [(PLAIN[0], "2026-01-05", *PLAIN[2:]), ("C2", "2026-01-05T10:00:00.5+01:00", *PLAIN[2:])]
    assert roads(several, RULES).fast is None
    assert roads(several, RULES, parsed_times=False).fast is not None
    assert judge(write(tmp_path / "file", csv_text(several)), RULES).accepted
