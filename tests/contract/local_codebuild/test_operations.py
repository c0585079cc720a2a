"""The API: projects, builds, and everything that is refused by its name."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_codebuild.bench import BUCKET, ENVIRONMENT, ROLE, Bench, buildspec

SPEC = buildspec("[true]")


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def project_request(**members: Any) -> dict[str, Any]:
    request: dict[str, Any] = {
        "name": "refused",
        "source": {"type": "NO_SOURCE", "buildspec": SPEC},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": ENVIRONMENT,
        "serviceRole": ROLE,
    }
    for name, value in members.items():
        request[name] = {**request.get(name, {}), **value} if isinstance(value, dict) else value
    return request


def test_a_project_is_described_with_what_it_did_not_say(bench: Bench) -> None:
    name = bench.project(SPEC, description="builds", tags=[{"key": "team", "value": "ml"}])

    (project,) = bench.codebuild.batch_get_projects(names=[name, "none"])["projects"]

    assert project["arn"] == f"arn:aws:codebuild:us-east-1:000000000000:project/{name}"
    assert project["timeoutInMinutes"] == 60
    assert project["queuedTimeoutInMinutes"] == 480
    assert project["cache"] == {"type": "NO_CACHE"}
    assert project["environment"]["privilegedMode"] is False
    assert project["tags"] == [{"key": "team", "value": "ml"}]
    assert project["created"] == project["lastModified"]


def test_projects_are_found_by_arn_and_missing_ones_are_told(bench: Bench) -> None:
    name = bench.project(SPEC)
    arn = f"arn:aws:codebuild:us-east-1:000000000000:project/{name}"

    answer = bench.codebuild.batch_get_projects(names=[arn, "none"])

    assert [project["name"] for project in answer["projects"]] == [name]
    assert answer["projectsNotFound"] == ["none"]


def test_an_update_changes_what_it_names_and_nothing_else(bench: Bench) -> None:
    name = bench.project(SPEC, description="first", timeoutInMinutes=10)

    bench.codebuild.update_project(name=name, description="second")

    (project,) = bench.codebuild.batch_get_projects(names=[name])["projects"]
    assert (project["description"], project["timeoutInMinutes"]) == ("second", 10)
    assert project["created"] < project["lastModified"]


def test_a_name_is_taken_until_the_project_is_deleted(bench: Bench) -> None:
    name = bench.project(SPEC)

    with pytest.raises(ClientError) as error:
        bench.project(SPEC, name=name)
    assert refusal(error)[0] == "ResourceAlreadyExistsException"

    bench.codebuild.delete_project(name=name)
    bench.codebuild.delete_project(name=name)
    with pytest.raises(ClientError) as error:
        bench.start(name)
    assert refusal(error)[0] == "ResourceNotFoundException"
    assert bench.project(SPEC, name=name) == name


def test_projects_are_listed_in_the_order_asked_for(bench: Bench) -> None:
    names = [bench.project(SPEC, name=f"listed-{letter}") for letter in "bac"]

    def listed(**order: str) -> list[str]:
        return [name for name in bench.codebuild.list_projects(**order)["projects"] if name in names]

    assert listed() == ["listed-a", "listed-b", "listed-c"]
    assert listed(sortBy="CREATED_TIME", sortOrder="DESCENDING") == ["listed-c", "listed-a", "listed-b"]


def test_builds_are_listed_newest_first_and_in_pages(bench: Bench) -> None:
    project = bench.project(SPEC)
    builds = [bench.ended(bench.start(project))["id"] for _ in range(2)]

    assert bench.codebuild.list_builds_for_project(projectName=project)["ids"] == builds[::-1]
    ascending = bench.codebuild.list_builds_for_project(projectName=project, sortOrder="ASCENDING")["ids"]
    assert ascending == builds
    rest = bench.codebuild.list_builds_for_project(projectName=project, nextToken=builds[1])["ids"]
    assert rest == builds[:1]
    assert bench.codebuild.list_builds()["ids"][:2] == builds[::-1]


def test_a_build_is_found_by_arn_and_a_missing_one_is_told(bench: Bench) -> None:
    build = bench.build(SPEC)

    answer = bench.codebuild.batch_get_builds(ids=[build["arn"], "none:1"])

    assert [one["id"] for one in answer["builds"]] == [build["id"]]
    assert answer["buildsNotFound"] == ["none:1"]


def test_only_builds_that_have_ended_are_deleted(bench: Bench) -> None:
    ended, running = bench.build(SPEC), bench.start(bench.project(buildspec("[sleep 1000]")))

    answer = bench.codebuild.batch_delete_builds(ids=[ended["id"], running, "none:1"])
    bench.codebuild.stop_build(id=running)

    assert answer["buildsDeleted"] == [ended["arn"]]
    assert {one["id"]: one["statusCode"] for one in answer["buildsNotDeleted"]} == {
        running: "BUILD_IN_PROGRESS",
        "none:1": "BUILD_NOT_FOUND",
    }
    assert bench.codebuild.batch_get_builds(ids=[ended["id"]])["builds"] == []
    bench.ended(running)


def test_a_build_that_has_ended_can_be_retried_with_its_overrides(bench: Bench) -> None:
    project = bench.project(buildspec("['echo $SAID']"))
    first = bench.start(project, environmentVariablesOverride=[{"name": "SAID", "value": "again"}])
    bench.ended(first)

    again = bench.codebuild.retry_build(id=first)["build"]

    assert again["id"] != first
    assert bench.said(bench.ended(again["id"])) == ["again"]


def test_the_same_token_starts_one_build_only(bench: Bench) -> None:
    project = bench.project(SPEC)

    builds = {bench.start(project, idempotencyToken="once") for _ in range(2)}

    assert len(builds) == 1
    with pytest.raises(ClientError, match="used with other parameters"):
        bench.start(project, idempotencyToken="once", timeoutInMinutesOverride=9)


def test_a_start_may_override_most_of_its_project(bench: Bench) -> None:
    location = bench.put("in/override.zip", b"PK\x05\x06" + bytes(18))
    project = bench.project(SPEC)

    build = bench.ended(
        bench.start(
            project,
            sourceTypeOverride="S3",
            sourceLocationOverride=location,
            buildspecOverride=buildspec("['echo $CODEBUILD_BUILD_IMAGE; touch a']", artifacts="{files: [a]}"),
            imageOverride="aws/codebuild/standard:8.0",
            timeoutInMinutesOverride=7,
            artifactsOverride={"type": "S3", "location": BUCKET, "name": "override.zip", "packaging": "ZIP"},
        )
    )

    assert build["buildStatus"] == "SUCCEEDED"
    assert bench.said(build) == ["aws/codebuild/standard:8.0"]
    assert build["timeoutInMinutes"] == 7
    assert build["source"]["location"] == location
    assert bench.codebuild.batch_get_projects(names=[project])["projects"][0]["timeoutInMinutes"] == 60


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"source": {"type": "GITHUB", "location": "https://github.com/a/b"}}, "source.type = GITHUB"),
        ({"source": {"gitCloneDepth": 1}}, "source.gitCloneDepth"),
        ({"environment": {"type": "LINUX_GPU_CONTAINER"}}, "environment.type = LINUX_GPU_CONTAINER"),
        ({"environment": {"privilegedMode": True}}, "environment.privilegedMode = True"),
        ({"environment": {"certificate": "a"}}, "environment.certificate"),
        ({"cache": {"type": "S3", "location": "bucket"}}, "cache.type = S3"),
        ({"cache": {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]}}, "LOCAL_DOCKER_LAYER_CACHE"),
        ({"vpcConfig": {"vpcId": "vpc-1"}}, "vpcConfig"),
        ({"logsConfig": {"s3Logs": {"status": "ENABLED", "location": "b"}}}, "logsConfig.s3Logs.status = ENABLED"),
        ({"buildBatchConfig": {"serviceRole": ROLE}}, "buildBatchConfig"),
        ({"autoRetryLimit": 2}, "autoRetryLimit = 2"),
        ({"badgeEnabled": True}, "badgeEnabled = True"),
        ({"source": {"buildspec": "arn:aws:s3:::b/buildspec.yml", "type": "S3", "location": "b/k"}}, "buildspec in S3"),
        ({"source": {"type": "S3", "location": "bucket/folder/"}}, "source that is a folder"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_its_name(bench: Bench, members: dict[str, Any], named: str) -> None:
    with pytest.raises(ClientError) as error:
        bench.codebuild.create_project(**project_request(**members))

    code, message = refusal(error)
    assert code == "NotSupportedByLocalCloud"
    assert named in message
    assert message.endswith("add it to retide/local/codebuild")


@pytest.mark.parametrize(
    ("members", "code", "said"),
    [
        ({"name": "no good name!"}, "ValidationException", "regular expression pattern"),
        ({"timeoutInMinutes": 2161}, "ValidationException", "less than or equal to 2160"),
        ({"source": {"buildspec": "buildspec.yml"}}, "InvalidInputException", "needs its buildspec inline"),
        ({"source": {"type": "S3", "location": "nothing"}}, "InvalidInputException", "must look like bucket/path.zip"),
        ({"source": {"type": "CODEPIPELINE"}}, "InvalidInputException", "must both be CODEPIPELINE, or neither"),
        ({"artifacts": {"type": "S3"}}, "InvalidInputException", "need a location"),
        ({"cache": {"type": "LOCAL"}}, "InvalidInputException", "needs modes"),
        (
            {"secondaryArtifacts": [{"type": "S3", "location": "b"}]},
            "InvalidInputException",
            "Every secondary artifact needs an artifactIdentifier",
        ),
    ],
)
def test_a_project_that_makes_no_sense_is_refused(bench: Bench, members: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(ClientError) as error:
        bench.codebuild.create_project(**project_request(**members))

    assert refusal(error)[0] == code
    assert said in refusal(error)[1]


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"privilegedModeOverride": True}, "privilegedModeOverride = True"),
        ({"debugSessionEnabled": True}, "debugSessionEnabled = True"),
        ({"sourceTypeOverride": "GITHUB"}, "sourceTypeOverride = GITHUB"),
    ],
)
def test_an_override_that_is_not_supported_is_refused_by_its_name(
    bench: Bench, overrides: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError) as error:
        bench.start(bench.project(SPEC), **overrides)

    assert refusal(error)[0] == "NotSupportedByLocalCloud"
    assert named in refusal(error)[1]


def test_an_operation_that_is_not_there_says_so(bench: Bench) -> None:
    with pytest.raises(ClientError) as error:
        bench.codebuild.start_build_batch(projectName="any")

    assert "CodeBuild.StartBuildBatch is not supported by the local cloud" in refusal(error)[1]


def test_a_pipelines_project_is_not_started_by_hand(bench: Bench) -> None:
    project = bench.project(SPEC, source={"type": "CODEPIPELINE"}, artifacts={"type": "CODEPIPELINE"})

    with pytest.raises(ClientError, match="a pipeline starts its builds"):
        bench.start(project)
