"""Builds that are stopped, that take too long, that wait for their turn, and what they leave behind: nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.local.cloud import LocalCloud
from retide.local.codebuild.build import Cause, Interrupted, Interruption
from retide.local.codebuild.slots import HOST_BUILDS, Slots
from tests.contract.local_codebuild.bench import Bench, buildspec, carriers, failure, marked, phase, statuses, written
from tests.patience import eventually

WAITS = buildspec('["echo waits; sleep 1000"]')
STUBBORN = buildspec("""["trap '' TERM; echo waits; while :; do sleep 1000; done"]""", env="{shell: bash}")
DAEMON = written("""
    version: 0.2
    phases:
      build:
        commands:
          - sleep 1001.$CODEBUILD_START_TIME & echo left
          - setsid sleep 1002.$CODEBUILD_START_TIME & echo fled
          - env -i sleep 1003.$CODEBUILD_START_TIME & echo hidden
          - RETIDE_LOCAL_CLOUD=/another setsid sh -c "env -i sleep 1004.$CODEBUILD_START_TIME & wait" & echo nested
          - until test $(pgrep -fx "sleep 100[1234].$CODEBUILD_START_TIME" | wc -l) -eq 4; do sleep 0.05; done; echo 4
    """)


def test_a_stopped_build_ends_at_once_as_stopped(bench: Bench) -> None:
    build = bench.start(bench.project(WAITS))
    bench.until_said(build, "waits")

    bench.codebuild.stop_build(id=build)

    ended = bench.ended(build)
    assert ended["buildStatus"] == "STOPPED"
    assert phase(ended, "BUILD")["phaseStatus"] == "STOPPED"
    assert "POST_BUILD" not in statuses(ended)
    assert carriers(build) == []


def test_a_stopped_build_may_tidy_up(bench: Bench) -> None:
    tidies = """["trap 'sleep 0.3; echo tidied; exit 1' TERM; echo waits; sleep 1000 & wait"]"""
    build = bench.start(bench.project(buildspec(tidies, env="{shell: bash}")))
    bench.until_said(build, "waits")

    bench.codebuild.stop_build(id=build)

    assert "tidied" in bench.said(bench.ended(build))


def test_a_child_of_the_shell_may_tidy_up_too(bench: Bench) -> None:
    child = """["bash -c 'trap \\"sleep 0.3; echo tidied; exit 1\\" TERM; echo waits; sleep 1000 & wait'; true"]"""
    build = bench.start(bench.project(buildspec(child)))
    bench.until_said(build, "waits")

    bench.codebuild.stop_build(id=build)

    assert "tidied" in bench.said(bench.ended(build))


def test_a_build_that_does_not_listen_is_killed_after_a_while(bench: Bench) -> None:
    build = bench.start(bench.project(STUBBORN))
    bench.until_said(build, "waits")

    bench.codebuild.stop_build(id=build)
    bench.running.change_time(advance=10)

    assert bench.ended(build)["buildStatus"] == "STOPPED"
    assert carriers(build) == []


def test_stopping_a_build_that_has_ended_changes_nothing(bench: Bench) -> None:
    build = bench.build(buildspec("[true]"))

    assert bench.codebuild.stop_build(id=build["id"])["build"]["buildStatus"] == "SUCCEEDED"


def test_a_build_that_takes_too_long_is_timed_out(bench: Bench) -> None:
    build = bench.start(bench.project(WAITS, timeoutInMinutes=5))
    bench.until_said(build, "waits")

    bench.running.change_time(advance=5 * 60)

    ended = bench.ended(build)
    assert ended["buildStatus"] == "TIMED_OUT"
    assert failure(ended, "BUILD") == ("BUILD_TIMED_OUT", "Build has timed out. ")


def test_builds_run_a_few_at_a_time_in_their_order(bench: Bench) -> None:
    project = bench.project(WAITS)
    running = [bench.start(project) for _ in range(HOST_BUILDS)]
    for build in running:
        bench.until_said(build, "waits")
    waiting = [bench.start(project) for _ in range(2)]
    stopped = bench.start(project)
    bench.until_in(stopped, "QUEUED")
    bench.codebuild.stop_build(id=stopped)
    assert phase(bench.ended(stopped), "QUEUED")["phaseStatus"] == "STOPPED"
    assert "PROVISIONING" not in statuses(bench.ended(stopped))
    assert [bench.describe(build)["currentPhase"] for build in waiting] == ["QUEUED", "QUEUED"]

    bench.codebuild.stop_build(id=running[0])

    bench.until_said(waiting[0], "waits")
    assert bench.describe(waiting[1])["currentPhase"] == "QUEUED"
    for build in (*running, *waiting):
        bench.codebuild.stop_build(id=build)
    assert {bench.ended(build)["buildStatus"] for build in (*running, *waiting)} == {"STOPPED"}


def test_a_build_that_waits_too_long_is_timed_out_before_it_begins(bench: Bench) -> None:
    running = [bench.start(bench.project(WAITS)) for _ in range(HOST_BUILDS)]
    for build in running:
        bench.until_said(build, "waits")
    build = bench.start(bench.project(WAITS, queuedTimeoutInMinutes=5))
    bench.until_in(build, "QUEUED")

    bench.running.change_time(advance=5 * 60)

    ended = bench.ended(build)
    assert ended["buildStatus"] == "TIMED_OUT"
    assert phase(ended, "QUEUED")["phaseStatus"] == "TIMED_OUT"
    for one in running:
        bench.codebuild.stop_build(id=one)
        bench.ended(one)


def test_a_project_may_limit_its_builds(bench: Bench) -> None:
    project = bench.project(WAITS, concurrentBuildLimit=1)
    first = bench.start(project)

    with pytest.raises(ClientError, match=r"AccountLimitExceededException.*more than 1 active builds"):
        bench.start(project)

    bench.codebuild.stop_build(id=first)
    bench.ended(first)
    bench.codebuild.stop_build(id=bench.start(project))


def test_what_a_build_leaves_running_ends_with_it(bench: Bench) -> None:
    build = bench.build(DAEMON)

    assert build["buildStatus"] == "SUCCEEDED"
    assert bench.said(build) == ["left", "fled", "hidden", "nested", "4"]
    assert carriers(build["id"]) == []
    number = str(round(build["startTime"].timestamp() * 1000))
    assert not [
        process for process in psutil.process_iter(["cmdline"]) if number in " ".join(process.info["cmdline"] or [])
    ]
    assert not (bench.home / "codebuild" / "builds" / build["id"].split(":")[1]).exists()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path / "cloud", {}, bound=True)
    yield cloud
    cloud.stop()


def test_a_cloud_that_stops_leaves_no_build(cloud: LocalCloud, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "cloud", cloud.start())
    builds = [bench.start(bench.project(spec)) for spec in (STUBBORN, WAITS, WAITS)]
    for build in builds[:2]:
        bench.until_said(build, "waits")

    cloud.stop()

    assert marked(tmp_path / "cloud") == []
    assert "Traceback" not in cloud.log_path.read_text()
    again = Bench(tmp_path / "cloud", cloud.start())
    assert not list((tmp_path / "cloud" / "codebuild" / "builds").glob("*"))
    assert again.build(buildspec("[true]"))["buildStatus"] == "SUCCEEDED"


def test_a_cloud_that_is_killed_leaves_no_build(cloud: LocalCloud, tmp_path: Path) -> None:
    running = cloud.start()
    bench = Bench(tmp_path / "cloud", running)
    build = bench.start(bench.project(STUBBORN))
    bench.until_said(build, "waits")

    next(process for process in marked(tmp_path / "cloud") if process.pid == running.pid).kill()

    eventually(lambda: not marked(tmp_path / "cloud"), "no process is left")


def outcome(slots: Slots, interruption: Interruption, results: dict[Interruption, str]) -> None:
    try:
        slots.wait(interruption)
        results[interruption] = "ran"
    except Interrupted:
        results[interruption] = "left"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3), st.lists(st.sampled_from(["arrive", "finish", "interrupt"]), max_size=20), st.data())
def test_slots_admit_in_order_and_lose_none(count: int, steps: list[str], data: Any) -> None:
    """A model of the queue beside the real one; a thread waits for each build, as in the cloud."""
    slots, results = Slots(count), dict[Interruption, str]()
    waiting: list[tuple[Interruption, threading.Thread]] = []
    running = 0
    for step in [*steps, *(["interrupt"] * len(steps))]:
        if step == "arrive":
            interruption = Interruption()
            slots.line_up(interruption)
            thread = threading.Thread(target=outcome, args=(slots, interruption, results), daemon=True)
            thread.start()
            waiting.append((interruption, thread))
        elif step == "finish" and running:
            slots.free()
            running -= 1
        elif step == "interrupt" and waiting:
            interruption, thread = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            interruption.request(Cause.STOPPED)
            thread.join(10)
            assert results[interruption] == "left"
        while waiting and running < count:
            interruption, thread = waiting.pop(0)
            thread.join(10)
            assert results[interruption] == "ran"
            running += 1
        assert all(interruption not in results for interruption, _ in waiting)
