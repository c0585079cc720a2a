"""What the matrices find, as the table of docs/reliability.md: `python -m tests.unit.proofs.table` writes it there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.unit.proofs.story import Ending
from tests.unit.proofs.test_crashes import crash, places, stall, undisturbed
from tests.unit.proofs.test_errors import AGAIN, CLASSES, Trouble, ending, told, trouble_told
from tests.unit.proofs.test_errors import places as calling

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "reliability.md"
START: Final = "<!-- the table begins -->"
END: Final = "<!-- the table ends -->"
SAME: Final = "same"


def table() -> str:
    """One row for each state that calls something: its writes, how crashes at them end, how errors in it end."""
    kinds = list(CLASSES)
    head = ["state", "writes", "crashes", "zombies", *kinds]
    lines = [head, ["---"] * len(head), *rows()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rows() -> Iterator[list[str]]:
    for place, dooms in calling():
        writes = [found for found in places() if found[:2] == place]
        functions = [found for found in places(functions=True) if found[:2] == place]
        crashes = [crash(found, moment, dies=True) for found in writes for moment in ("before", "after")]
        crashes += [crash(found, moment, dies=False) for found in functions for moment in ("before", "after")]
        zombies = [stall(found) for found in functions]
        errors = [f"{outcome(place, dooms, kind, 1)} / {outcome(place, dooms, kind, AGAIN)}" for kind in CLASSES]
        yield [f"{place[0]}: {place[1]}", str(len(writes)), _same(crashes), _same(zombies), *errors]


def _same(endings: list[Ending]) -> str:
    """How many there were, all of which end as the story does by itself."""
    assert all(found == undisturbed()[0] for found in endings)
    return f"{len(endings)} {SAME}" if endings else "none"


def outcome(place: tuple[str, str], dooms: tuple[str, str], kind: str, times: int) -> str:
    """How an error in a state ends: as if there had been none, or as a failure that people are told of."""
    universe = trouble_told(Trouble(place, kind, times), dooms)
    if Ending.of(universe) == ending(dooms):
        return SAME
    assert told(universe)
    return "told"


def written(page: str) -> str:
    """The table that a page holds."""
    return page.split(START)[1].split(END, maxsplit=1)[0].strip()


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    PAGE.write_text(f"{before}{START}\n{table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
