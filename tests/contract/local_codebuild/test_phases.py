"""How a build goes through its phases, and what follows a failure."""

from __future__ import annotations

import pytest

from tests.contract.local_codebuild.bench import Bench, buildspec, failure, phase, statuses, written

ALL = (
    "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD",
    "UPLOAD_ARTIFACTS", "FINALIZING",
)  # fmt: skip


def all_phases(**rules: str) -> str:
    """Every phase says its name; `rules` are lines of a phase, or the command that fails in it."""
    lines = ["version: 0.2", "phases:"]
    for name in ("install", "pre_build", "build", "post_build"):
        lines += [f"  {name}:", "    commands:", f"      - echo in {name}", f"      - {rules.get(name, 'true')}"]
        lines += [f"    on-failure: {rules[f'{name}_rule']}"] if f"{name}_rule" in rules else []
    return "\n".join(lines)


def test_a_build_goes_through_every_phase_and_succeeds(bench: Bench) -> None:
    build = bench.build(all_phases())

    assert build["buildStatus"] == "SUCCEEDED"
    assert build["currentPhase"] == "COMPLETED"
    assert build["buildComplete"]
    assert statuses(build) == dict.fromkeys(ALL, "SUCCEEDED")
    assert build["phases"][-1].keys() == {"phaseType", "startTime"}
    assert bench.said(build) == ["in install", "in pre_build", "in build", "in post_build"]
    starts = [phase["startTime"] for phase in build["phases"]]
    assert starts == sorted(starts)
    assert build["startTime"] <= starts[0] <= build["endTime"]


def test_a_failed_command_ends_its_phase_and_is_named(bench: Bench) -> None:
    build = bench.build(buildspec('["echo one", "exit 2", "echo three"]'))

    assert build["buildStatus"] == "FAILED"
    assert failure(build, "BUILD") == (
        "COMMAND_EXECUTION_ERROR",
        "Error while executing command: exit 2. Reason: exit status 2",
    )
    assert bench.said(build) == ["one"]
    assert "Command did not exit successfully exit 2 exit status 2" in bench.log(build["id"])


@pytest.mark.parametrize(
    ("failing", "rule", "said"),
    [
        ("install", "", ["install"]),
        ("pre_build", "", ["install", "pre_build"]),
        ("build", "", ["install", "pre_build", "build", "post_build"]),
        ("post_build", "", ["install", "pre_build", "build", "post_build"]),
        ("install", "CONTINUE", ["install", "pre_build", "build", "post_build"]),
        ("pre_build", "CONTINUE", ["install", "pre_build", "build", "post_build"]),
        ("build", "ABORT", ["install", "pre_build", "build"]),
        ("post_build", "ABORT", ["install", "pre_build", "build", "post_build"]),
    ],
)
def test_what_follows_a_failed_phase(bench: Bench, failing: str, rule: str, said: list[str]) -> None:
    rules = {failing: "false"} | ({f"{failing}_rule": rule} if rule else {})

    build = bench.build(all_phases(**rules))

    assert build["buildStatus"] == "FAILED"
    assert bench.said(build) == [f"in {name}" for name in said]
    expected = {name.upper(): "FAILED" if name == failing else "SUCCEEDED" for name in said}
    assert {name: status for name, status in statuses(build).items() if name.lower() in said} == expected
    aborted = rule == "ABORT" or (failing in ("install", "pre_build") and not rule)
    assert ("UPLOAD_ARTIFACTS" in statuses(build)) is not aborted
    assert statuses(build)["FINALIZING"] == "SUCCEEDED"


def test_finally_runs_after_a_failure_and_the_first_failure_is_told(bench: Bench) -> None:
    build = bench.build(
        written("""
            version: 0.2
            phases:
              install:
                commands: [exit 3, echo never]
                finally: [echo finally, exit 4, echo nor this]
            """)
    )

    assert bench.said(build) == ["finally"]
    assert failure(build, "INSTALL")[1].endswith("Reason: exit status 3")


def test_a_failure_in_finally_alone_fails_the_phase(bench: Bench) -> None:
    build = bench.build("version: 0.2\nphases: {install: {finally: [exit 4]}}")

    assert failure(build, "INSTALL")[1].endswith("Reason: exit status 4")
    assert "PRE_BUILD" not in statuses(build)


def test_commands_know_whether_the_build_is_succeeding(bench: Bench) -> None:
    build = bench.build(
        written("""
            version: 0.2
            phases:
              build:
                commands: ["echo build $CODEBUILD_BUILD_SUCCEEDING", "false"]
              post_build:
                commands: ["echo after $CODEBUILD_BUILD_SUCCEEDING"]
            """)
    )

    assert bench.said(build) == ["build 1", "after 0"]


def test_retry_repeats_the_phase_until_it_succeeds(bench: Bench) -> None:
    command = "echo x >>tries; echo try $(wc -l <tries); test $(wc -l <tries) -eq 3"
    build = bench.build(f"version: 0.2\nphases: {{build: {{commands: ['{command}'], on-failure: RETRY}}}}")

    assert build["buildStatus"] == "SUCCEEDED"
    assert bench.said(build) == ["try 1", "try 2", "try 3"]


@pytest.mark.parametrize(("rule", "tries"), [("RETRY-1", 2), ("RETRY-5-status 9", 1), ("RETRY-2-status 7", 3)])
def test_retry_gives_up_after_its_count_or_for_another_failure(bench: Bench, rule: str, tries: int) -> None:
    build = bench.build(f"version: 0.2\nphases: {{build: {{commands: [echo try, exit 7], on-failure: {rule}}}}}")

    assert build["buildStatus"] == "FAILED"
    assert bench.said(build) == ["try"] * tries


def test_a_broken_buildspec_fails_while_the_source_is_downloaded(bench: Bench) -> None:
    build = bench.build("version: 0.2\nphases:\n  biuld: {}")

    assert build["buildStatus"] == "FAILED"
    code, message = failure(build, "DOWNLOAD_SOURCE")
    assert code == "YAML_FILE_ERROR"
    assert "phases.biuld at line 3 is unknown" in message
    assert "INSTALL" not in statuses(build)


def test_a_command_that_no_one_knows_fails_with_the_shells_status(bench: Bench) -> None:
    build = bench.build(buildspec("[no-such-program-here]"))

    assert failure(build, "BUILD")[1].endswith("Reason: exit status 127")
    assert "no-such-program-here" in bench.said(build)[0]


def test_a_command_that_a_signal_ends_fails_with_its_number(bench: Bench) -> None:
    build = bench.build(buildspec("['kill -9 $$']"))

    assert failure(build, "BUILD")[1].endswith("Reason: exit status 137")


@pytest.mark.parametrize(
    ("runtimes", "said"),
    [
        ("{ruby: latest}", "Unknown runtime named 'ruby'. This machine can have the runtimes: python, nodejs"),
        ("{python: 2.7}", "Unknown runtime version named '2.7' of python. This machine has the versions: 3."),
        ("{nodejs: 1}", "Unknown runtime version named '1' of nodejs. This machine has the versions: "),
    ],
)
def test_a_runtime_that_is_not_here_is_named(bench: Bench, runtimes: str, said: str) -> None:
    build = bench.build(f"version: 0.2\nphases: {{install: {{runtime-versions: {runtimes}}}}}")

    assert failure(build, "DOWNLOAD_SOURCE")[1].startswith(said)


def test_a_runtime_that_is_here_comes_first_on_the_path(bench: Bench) -> None:
    build = bench.build(
        written("""
            version: 0.2
            phases:
              install:
                runtime-versions: {python: 3.12, nodejs: latest}
                commands:
                  - python --version; python3 --version; python3.12 --version
                  - node -e "console.log('node runs')"
            """)
    )

    assert build["buildStatus"] == "SUCCEEDED"
    *pythons, node = bench.said(build)
    assert [line.startswith("Python 3.12.") for line in pythons] == [True, True, True]
    assert node == "node runs"
    assert phase(build, "DOWNLOAD_SOURCE")["phaseStatus"] == "SUCCEEDED"
