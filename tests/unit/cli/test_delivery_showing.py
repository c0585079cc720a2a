"""Pushes as people read them: the list, the road of one, and JSON for programs."""

from __future__ import annotations

import io
import json

from rich.console import Console, RenderableType

from retide.cli.delivery.builds import Build
from retide.cli.delivery.effects import Effect, State
from retide.cli.delivery.outcomes import Delivery
from retide.cli.delivery.pushes import Pushed, Way
from retide.cli.delivery.showing import as_json, listing, road
from tests.unit.cli.deliveries import action, commit, delivery, name

BUILD = Build("retide-build:1", "FAILED", "BUILD", "make test (exit status 2)")
BROKEN = delivery(
    "a", "Failed", action("Source", at=0), action("Build", "Failed", error="terminated"), builds={BUILD.id: BUILD}
)
PROMOTED = Effect("prod", "tumour", State.PROMOTED, "run tumour-2-1 was promoted as version 2", "tumour-2-1")


def words(shown: RenderableType, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_the_list_has_a_line_for_every_push_with_its_outcome_and_its_time() -> None:
    documents = Delivery(Pushed(commit("b", "docs/a.md"), Way.IGNORED))
    told = words(listing([documents, BROKEN]))
    assert f"{name('b')[:10]}" in told
    assert "nothing to deploy: only docs/a.md changed -" in told
    assert "failed in Build: make test (exit status 2) 10 min 00 s" in told


def test_the_road_of_a_failed_push_ends_with_the_last_lines_of_its_build() -> None:
    told = words(road(BROKEN, ["E  assert [1] == 2", "1 failed"]))
    for said in (
        f"Commit {name('a')[:10]} of Ada: Change a",
        "1 file changed: functions/gate/handler.py",
        "Source Source ✓",
        "Build Build ✗ 60 s make test (exit status 2)",
        "E assert [1] == 2 1 failed",
    ):
        assert said in told


def test_the_road_of_a_deployed_push_ends_with_its_models() -> None:
    told = words(road(_deployed(), []))
    assert "prod tumour run tumour-2-1 was promoted as version 2" in told
    assert "`retide explain RUN --stage STAGE`" in told
    assert "by ada: fine" in told


def test_what_is_under_way_has_no_time_yet() -> None:
    assert "Build Build … -" in words(road(delivery("a", "InProgress", action("Build", "InProgress")), []))


def _deployed() -> Delivery:
    approved = action("Approval", at=5, summary="by ada: fine")
    return delivery("a", "Succeeded", action("Staging"), approved, action("Production", at=7), effects=(PROMOTED,))


def test_a_push_is_told_to_programs_with_everything_that_people_see() -> None:
    told = json.loads(json.dumps(as_json(BROKEN, ["1 failed"]), default=str))
    assert (told["fate"], told["seconds"], told["stages"]) == ("failed", 600.0, ["Source", "Build"])
    assert told["actions"][1]["build"]["reason"] == "make test (exit status 2)"
    assert told["log"] == ["1 failed"]
    assert json.loads(json.dumps(as_json(_deployed()), default=str))["models"][0]["run"] == "tumour-2-1"


def test_brackets_in_a_commits_message_are_no_markup() -> None:
    one = Delivery(Pushed(commit("[bold]a[/nope]"), Way.IGNORED))
    assert "Change [bold]a[/nope]" in words(listing([one]))
    assert "Change [bold]a[/nope]" in words(road(one, ["[/]"]))
