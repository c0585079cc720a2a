"""A search is told by who won, who came close, and what could not even be fitted."""

import io

from rich.console import Console

from retide.cli.searching import search
from retide.domain.evaluation import Candidate, Search
from retide.domain.tuning import Round

FOUND = Search(
    "log_loss",
    2,
    (
        Candidate("model.py", {}, (0.5,)),
        Candidate("model.py", {"C": -1.0}, (), "ValueError: C must be positive"),
        Candidate("model.py", {"C": 1.0}, (0.4, 0.31)),
        Candidate("model.py", {"C": 9.0}, (0.45,)),
        Candidate("model.py", {"C": 2.0}, (0.41, 0.32)),
        Candidate("model.py", {"C": 3.0}, (0.9,)),
        Candidate("model.py", {"C": 4.0}, (None,)),
    ),
    (Round(7, 500), Round(2, 1500)),
)


def words(found: Search) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(*search(found), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_winner_stands_first_and_then_who_came_further_and_scored_better() -> None:
    lines = [line.split() for line in words(FOUND).splitlines() if "model.py" in line]
    assert [line[0] for line in lines] == ["C=1.0", "C=2.0", "C=9.0", "as", "C=3.0"]
    assert lines[0][-1] == "trained"


def test_rounds_and_failures_are_told() -> None:
    told = words(FOUND)
    assert "7 candidates by cross-validation within the training part: 7 on 500 rows → 2 on 1500 rows." in told
    assert "! 1 candidate failed, the first, C=-1.0: ValueError: C must be positive" in told
