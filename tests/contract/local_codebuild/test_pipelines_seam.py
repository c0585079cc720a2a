"""What a pipeline hands to a build and hears of it, without a pipeline."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retide.local.clock import Clock
from retide.local.codebuild import CodeBuild
from retide.local.codebuild.seam import BuildState, Clone, Order, Output, Variable, Zip
from retide.local.codebuild.slots import HOST_BUILDS
from retide.local.errors import ApiError
from retide.local.interfaces import Settings
from tests.contract.bus import Bus
from tests.contract.local_codebuild.bench import BUCKET, ENVIRONMENT, ROLE, Bench, buildspec, contents, git, zipped

SECONDS = 30.0


@pytest.fixture
def service(bench: Bench, tmp_path: Path) -> Iterator[CodeBuild]:
    """CodeBuild in this process, beside a cloud that has S3 and logs."""
    clock = Clock()
    service = CodeBuild(Settings(tmp_path / "home", bench.running.endpoint_url, {}, clock), Bus())
    yield service
    service.close()
    clock.close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A bare repository with two commits on main."""
    work, bare = tmp_path / "work", tmp_path / "bare.git"
    work.mkdir()
    git(work, "init", "--quiet")
    for text in ("first", "second"):
        (work / "said.txt").write_text(f"{text}\n")
        (work / "buildspec.yml").write_text(buildspec("['cat said.txt; git status --short; git rev-parse HEAD']"))
        git(work, "add", ".")
        git(work, "commit", "--quiet", "-m", text)
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


def project(service: CodeBuild, spec: str = "", **members: Any) -> str:
    name: str = members.pop("name", "piped")
    service.api.call(
        "CreateProject",
        {
            "name": name,
            "source": {"type": "CODEPIPELINE", "buildspec": spec},
            "artifacts": {"type": "CODEPIPELINE"},
            "environment": ENVIRONMENT,
            "serviceRole": ROLE,
            **members,
        },
    )
    return name


def order(name: str, primary: Clone | Zip, **members: Any) -> Order:
    return replace(Order(name, "the-pipeline", "execution-1", primary), **members)


def said(bench: Bench, state: BuildState) -> list[str]:
    events = bench.logs.get_log_events(logGroupName=state.log_group, logStreamName=state.log_stream)["events"]
    return [event["message"] for event in events if not event["message"].startswith("[Container]")]


def test_a_clone_is_a_whole_repository_at_exactly_one_commit(
    bench: Bench, service: CodeBuild, repository: Path
) -> None:
    first = git(repository, "rev-parse", "main~1")
    builds = service.builds

    state = builds.wait(builds.start(order(project(service), Clone("Source", repository, first))), SECONDS)

    assert state.status == "SUCCEEDED", state.message
    assert said(bench, state) == ["first", first]


def test_what_a_clone_changes_stays_in_the_build(service: CodeBuild, repository: Path) -> None:
    before = git(repository, "for-each-ref")
    spec = buildspec("['git checkout -q -b mine && echo x >said.txt && git add . && rm -rf .git/objects && rm *']")

    builds = service.builds
    state = builds.wait(builds.start(order(project(service, spec), Clone("Source", repository, "main"))), SECONDS)

    assert state.status == "SUCCEEDED", state.message
    assert git(repository, "for-each-ref") == before
    assert git(repository, "fsck", "--no-dangling") == ""


@pytest.mark.parametrize("commit", ["0" * 40, "no-such-branch"])
def test_a_commit_that_is_not_there_fails_the_download(service: CodeBuild, repository: Path, commit: str) -> None:
    builds = service.builds

    state = builds.wait(builds.start(order(project(service), Clone("Source", repository, commit))), SECONDS)

    assert state.status == "FAILED"
    assert state.message.startswith("Build terminated with state: FAILED. Phase: DOWNLOAD_SOURCE, Code: CLIENT_ERROR")
    assert f"git checkout --quiet --detach {commit} failed" in state.message


def test_a_repository_that_is_not_there_fails_the_download(service: CodeBuild, tmp_path: Path) -> None:
    builds = service.builds

    state = builds.wait(builds.start(order(project(service), Clone("Source", tmp_path / "none", "main"))), SECONDS)

    assert f"there is no repository at {tmp_path / 'none'}" in state.message


def test_inputs_and_outputs_pass_as_zips_under_their_names(bench: Bench, service: CodeBuild) -> None:
    bench.put("pipe/source", zipped({"a": "source"}))
    bench.put("pipe/assembly", zipped({"b": "assembly"}))
    spec = buildspec(
        "['cat $CODEBUILD_SRC_DIR_Assembly/b a >both; echo $CODEBUILD_RESOLVED_SOURCE_VERSION $CODEBUILD_INITIATOR']",
        artifacts="{files: [both]}",
    )
    given = order(
        project(service, spec),
        Zip("Source", BUCKET, "pipe/source", revision="abc123"),
        others=(Zip("Assembly", BUCKET, "pipe/assembly"),),
        outputs=(Output("Built", BUCKET, "pipe/Built/x7.zip"),),
    )

    state = service.builds.wait(service.builds.start(given), SECONDS)

    assert state.status == "SUCCEEDED", state.message
    assert contents(bench.get("pipe/Built/x7.zip")) == {"both": "assemblysource"}
    assert said(bench, state) == ["abc123 codepipeline/the-pipeline"]


def test_several_outputs_are_the_secondary_artifacts(bench: Bench, service: CodeBuild) -> None:
    bench.put("pipe/source", zipped({"a": "1", "b": "2"}))
    spec = buildspec("[true]", artifacts="{secondary-artifacts: {One: {files: [a]}, Two: {files: [b]}}}")
    outputs = (Output("One", BUCKET, "pipe/one"), Output("Two", BUCKET, "pipe/two"))

    given = order(project(service, spec), Zip("Source", BUCKET, "pipe/source"), outputs=outputs)
    state = service.builds.wait(service.builds.start(given), SECONDS)

    assert state.status == "SUCCEEDED", state.message
    assert [contents(bench.get(key)) for key in ("pipe/one", "pipe/two")] == [{"a": "1"}, {"b": "2"}]


def test_an_actions_variables_win_and_exported_ones_come_back(bench: Bench, service: CodeBuild) -> None:
    bench.put("pipe/source", zipped({"a": "1"}))
    spec = buildspec('["RESULT=$COMMIT-built"]', env="{variables: {COMMIT: none}, exported-variables: [RESULT]}")
    given = order(project(service, spec), Zip("Source", BUCKET, "pipe/source"), variables=(Variable("COMMIT", "abc"),))

    state = service.builds.wait(service.builds.start(given), SECONDS)

    assert dict(state.exported) == {"RESULT": "abc-built"}


def test_the_end_of_a_build_is_heard_once_early_or_late(bench: Bench, service: CodeBuild) -> None:
    bench.put("pipe/source", zipped({"a": "1"}))
    builds, heard, ended = service.builds, list[BuildState](), threading.Event()
    build = builds.start(order(project(service, buildspec("[exit 2]")), Zip("Source", BUCKET, "pipe/source")))

    def hear(state: BuildState) -> None:
        heard.append(state)
        ended.set()

    builds.when_ended(build, hear)

    assert ended.wait(SECONDS)
    builds.when_ended(build, heard.append)

    said = "Error while executing command: exit 2. Reason: exit status 2"
    assert [state.message for state in heard] == [
        f"Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: {said}"
    ] * 2
    assert builds.state(build) == heard[0] == builds.wait(build)


def test_a_pipeline_can_stop_its_build_and_a_service_that_closes_ends_it(bench: Bench, service: CodeBuild) -> None:
    bench.put("pipe/source", zipped({"a": "1"}))
    name, builds = project(service, buildspec("[sleep 1000]")), service.builds
    first, second = (builds.start(order(name, Zip("Source", BUCKET, "pipe/source"))) for _ in range(2))
    assert builds.wait(first, 0.0).status == "IN_PROGRESS"

    builds.stop(first)
    assert builds.wait(first, SECONDS).status == "STOPPED"

    service.close()
    assert builds.wait(second).status == "STOPPED"


def test_a_project_that_is_not_made_for_pipelines_is_refused(service: CodeBuild) -> None:
    source = {"type": "NO_SOURCE", "buildspec": buildspec("[true]")}
    name = project(service, name="own", source=source, artifacts={"type": "NO_ARTIFACTS"})

    with pytest.raises(ApiError, match="only if the type of its source is CODEPIPELINE"):
        service.builds.start(order(name, Zip("Source", BUCKET, "pipe/source")))
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        service.builds.start(order("none", Zip("Source", BUCKET, "pipe/source")))
    with pytest.raises(ApiError, match="Build not found"):
        service.builds.state("none:1")


def test_a_pipelines_build_is_retried_by_the_pipeline_only(bench: Bench, service: CodeBuild) -> None:
    bench.put("pipe/source", zipped({"a": "1"}))
    build = service.builds.start(order(project(service, buildspec("[true]")), Zip("Source", BUCKET, "pipe/source")))
    service.builds.wait(build, SECONDS)

    with pytest.raises(ApiError, match="was started by codepipeline/the-pipeline: retry it there"):
        service.api.call("RetryBuild", {"id": build})


def test_trouble_of_the_cloud_itself_is_a_fault_and_the_next_build_runs(
    bench: Bench, service: CodeBuild, tmp_path: Path
) -> None:
    bench.put("pipe/source", zipped({"a": "1"}))
    given = order(project(service, buildspec("[true]")), Zip("Source", BUCKET, "pipe/source"))
    in_the_way = tmp_path / "home" / "codebuild" / "builds"
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("no folder")

    states = [service.builds.wait(service.builds.start(given), SECONDS) for _ in range(HOST_BUILDS + 1)]
    in_the_way.unlink()

    assert {state.status for state in states} == {"FAULT"}
    assert "Phase: PROVISIONING, Code: INTERNAL_SERVICE_ERROR, Message: NotADirectoryError" in states[0].message
    assert service.builds.wait(service.builds.start(given), SECONDS).status == "SUCCEEDED"
